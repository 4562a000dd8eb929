"""The bar of a notebook, with a stand-in for IPython."""

import sys
import types

from zonekeras.sweeping.notebook_progress import bar_html, notebook_progress
from zonekeras.sweeping.progress import Progress


class Shown:
    """Takes the place of IPython.display's function and of its handle."""

    def __init__(self):
        self.contents = []

    def HTML(self, text):
        return text

    def display(self, content, display_id):
        assert display_id
        self.contents.append(content)
        return self

    def update(self, content):
        self.contents.append(content)


def test_there_is_none_outside_of_notebooks(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert notebook_progress() is None
    terminal = types.SimpleNamespace(get_ipython=lambda: object())
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert notebook_progress() is None


def test_a_notebook_shows_the_first_and_the_last_state(monkeypatch):
    shown = Shown()
    shell = types.SimpleNamespace(kernel=object())
    notebook = types.SimpleNamespace(get_ipython=lambda: shell, display=shown)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    show = notebook_progress()
    for done in (0, 3, 7):
        show(Progress(done, 7, 16))
    first, *_, last = shown.contents
    assert 'value="0" max="7"' in first
    assert 'value="7" max="7"' in last


def test_what_the_bar_says():
    assert bar_html(Progress(1000, 2000, 61, seconds_left=300.0)) == (
        '<progress value="1000" max="2000"></progress> 1,000 of 2,000 windows x 61 '
        "configurations, 5 min left"
    )
    assert bar_html(Progress(1, 2, 3, seconds_left=89.0)).endswith(", 89 s left")
    assert bar_html(Progress(2, 2, 3, seconds_left=0.0)).endswith("configurations")

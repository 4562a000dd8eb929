"""A flipped gold answer or an edited one is named by every command that reads it."""

import sqlite3

import pytest

from cli import compare, report, results
from tests.reporting.stores import write_store
from zonekeras.store.sweep_store import STORE_FILE

WAY_OUT = (
    "is not as it was written. Run the sweep again into another directory; the "
    "predictions files beside the store are whole."
)
EDITS = {
    "the data": "UPDATE datasets SET content = replace(content, 'Rome', 'Romf')",
    "the answers of layer0:q2": "UPDATE answers SET text = 'Mai' WHERE text = 'May'",
}


@pytest.fixture(params=EDITS)
def damaged(request, tmp_path, monkeypatch):
    """Two directories of sweeps, one of them damaged; yields what is."""
    monkeypatch.chdir(tmp_path)
    write_store(tmp_path / "good", weights="other")
    write_store(tmp_path / "bad")
    connection = sqlite3.connect(tmp_path / "bad" / STORE_FILE)
    with connection:
        connection.execute(EDITS[request.param])
        assert connection.total_changes
    connection.close()
    return request.param


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (results, ["bad"]),
        (results, ["bad", "--export=csv"]),
        (results, ["bad", "--by=question_type"]),
        (report, ["bad"]),
        (compare, ["good", "bad"]),
        (compare, ["bad", "good", "--output_dir=made"]),
    ],
)
def test_it_is_named_in_one_line(damaged, tmp_path, capsys, command, words):
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert command.main(words) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        f"{command.PROG}: error: Expected a sweep store in bad/{STORE_FILE}. It is "
        f"damaged: {damaged} {WAY_OUT}\n"
    )
    assert captured.out == ""
    assert sorted(path.name for path in tmp_path.rglob("*")) == before

"""The page: text that cannot become markup, size, the same bytes every time."""

import base64
import hashlib
import json
import re
import shutil

import pytest

from tests.reporting.stores import FOUND, HOSTILE, write_store
from zonekeras.errors import InputError
from zonekeras.reporting import charting_library, write_report
from zonekeras.reporting.page import to_script_json
from zonekeras.store.sweep_store import STORE_FILE

SCRIPT = re.compile(r"<script(?P<type>[^>]*)>(?P<content>.*?)</script>", re.DOTALL)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sweep")
    write_store(directory)
    return directory


@pytest.fixture(scope="module")
def page(sweep):
    return write_report(sweep).path.read_text(encoding="utf-8")


def test_json_in_a_script_cannot_end_it():
    text = to_script_json([HOSTILE])
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == [HOSTILE]
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_script_json([float("nan")])


def test_the_page_has_its_three_scripts_and_no_more(page):
    data, library, script = SCRIPT.findall(page)
    assert json.loads(data[1])["questions"]["text"][3] == HOSTILE
    assert "Bokeh" in library[1]
    assert script[1].startswith("(() => {\n'use strict';")
    assert "window.harmed" not in page.replace(data[1], "")
    assert "<img" not in page.replace(library[1], "")


def test_its_policy_names_its_scripts_and_allows_no_network(page):
    _, library, script = SCRIPT.findall(page)
    hashes = [
        base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        for _, code in (library, script)
    ]
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'; "
        "style-src 'unsafe-inline'; img-src data: blob:"
    )


def test_nothing_is_loaded_from_elsewhere(page):
    library = SCRIPT.findall(page)[1][1]
    own = page.replace(library, "")
    assert "http://" not in own
    assert "https://" not in own
    assert not re.search(r"<(link|script)[^>]*(href|src)=", own)


def test_our_scripts_make_no_markup_from_text(page):
    script = SCRIPT.findall(page)[2][1]
    for name in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"):
        assert name not in script


def test_the_page_says_its_size(sweep):
    report = write_report(sweep)
    content = report.path.read_bytes()
    assert report.num_bytes == len(content)
    size = f"{len(content) / 1e6:6.1f} MB"
    assert f"one file of {size}.".encode() in content
    assert len(content) < 2_000_000


def test_the_same_store_gives_the_same_bytes(sweep, tmp_path):
    shutil.copy(sweep / STORE_FILE, tmp_path)
    assert (
        write_report(tmp_path).path.read_bytes()
        == write_report(sweep).path.read_bytes()
    )


def test_without_the_charting_library(sweep, monkeypatch):
    monkeypatch.setattr(charting_library, "find_spec", lambda name: None)
    before = (sweep / "report.html").read_bytes()
    with pytest.raises(InputError, match=r"Run: pip install 'zonekeras\[report\]'"):
        write_report(sweep)
    assert (sweep / "report.html").read_bytes() == before


def test_a_report_of_heads_alone(tmp_path):
    found = {name: FOUND[name] for name in ("baseline", "layer0.head1:p2")}
    write_store(tmp_path, found, planned=list(found))
    assert write_report(tmp_path).num_configurations == 2

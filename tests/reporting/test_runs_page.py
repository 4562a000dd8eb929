"""The page of several runs, and the pages that it links to."""

import json
import re

import pytest

from tests.reporting.stores import FOUND, HOSTILE, answers, write_store
from zonekeras.errors import InputError
from zonekeras.reporting import write_runs_report

THIRD = FOUND | {"layer1:p2q": answers()}


@pytest.fixture
def directory(tmp_path):
    """Two runs, as `run_sweeps` leaves them; the effects on layer1:p2q: -75 and 0."""
    for name, found in (("seed-1", FOUND), ("seed & 2", THIRD)):
        write_store(tmp_path / name, found, weights=name)
    folders = [{"folder": "seed-1"}, {"folder": "seed & 2"}]
    (tmp_path / "run.json").write_text(json.dumps({"runs": folders}))
    return tmp_path


def test_means_figures_and_links(directory):
    report = write_runs_report(directory)
    assert report.path == directory / "report.html"
    assert [one.path for one in report.reports] == [
        directory / "seed-1" / "report.html",
        directory / "seed & 2" / "report.html",
    ]
    page = report.path.read_text(encoding="utf-8")
    assert len(page.encode()) == report.num_bytes
    assert re.findall('<a href="([^"]*)">([^<]*)<', page) == [
        ("seed-1/report.html", "seed-1"),
        ("seed%20%26%202/report.html", "seed &amp; 2"),
    ]
    assert "<h1>2 runs on dev.json</h1>" in page
    assert "EM 75.00 ± 0.00, F1 75.00 ± 0.00 with nothing masked; 4 questions" in page
    # The mean of -75 and 0, and their deviation: 75 over the square root of 2.
    assert "<td>layer1:p2q</td><td>−37.50 ± 53.03</td>" in page
    assert page.count('src="data:image/svg+xml;base64,') == 1
    assert "script" not in page
    assert HOSTILE not in page


def test_a_runs_page_has_the_others(directory):
    page = write_runs_report(directory).reports[1].path.read_text(encoding="utf-8")
    [data] = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', page
    )
    found = json.loads(data)["runs"]
    assert (found["here"], found["means"]) == (1, "../report.html")
    assert found["names"] == ["seed-1", "seed & 2"]
    assert found["links"] == ["../seed-1/report.html", "../seed%20%26%202/report.html"]
    assert found["scores"]["exact_match"] == [75.0, 75.0]
    cell = found["configurations"]["layer1:p2q"]["exact_match"]
    assert cell["runs"] == [-75.0, 0.0]
    assert (cell["effect"], cell["deviation"]) == (-37.5, pytest.approx(75 / 2**0.5))
    assert cell["low"] < -37.5 < cell["high"]
    assert list(found["configurations"]) == list(FOUND)[1:]


def test_a_run_that_is_missing(directory):
    (directory / "seed-1" / "sweep.sqlite").unlink()
    with pytest.raises(
        InputError, match="with sweep.sqlite. Received: .*seed-1, which"
    ):
        write_runs_report(directory)
    assert not (directory / "report.html").exists()

import json

import pytest

from zonekeras.analysis.folders import run_folders


def write(directory, runs):
    (directory / "run.json").write_text(json.dumps({"runs": runs}))
    return run_folders(directory)


def test_the_folders_of_several_runs(tmp_path):
    assert write(tmp_path, [{"folder": "a"}, {"folder": "b"}]) == ["a", "b"]


@pytest.mark.parametrize(
    "runs",
    [
        [],
        None,
        3,
        ["a"],
        [{}],
        [{"folder": 3}],
        [{"folder": ["a"]}],
        [{"folder": ""}],
        [{"folder": ".."}],
        [{"folder": "../other"}],
        [{"folder": "/etc"}],
        [{"folder": "a\0b"}],
        [{"folder": "\ud800"}],
        float("nan"),
    ],
)
def test_a_record_that_names_no_folders(tmp_path, runs):
    assert write(tmp_path, runs) is None


def test_a_record_that_is_none(tmp_path):
    assert run_folders(tmp_path) is None
    (tmp_path / "run.json").write_text("[" * 5000)
    assert run_folders(tmp_path) is None
    assert run_folders(tmp_path / "run.json") is None

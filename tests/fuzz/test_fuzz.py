"""Every command on damaged inputs of every format: one line, exit code 2, no more."""

import os
import random
import shutil
import stat

import pytest

from tests.fuzz.commands import COMMANDS
from tests.fuzz.mutators import make_pipe, mutators_of
from tests.fuzz.runner import check_inside, judge, run_case
from tests.fuzz.seeds import make_seeds

CASES = 100
AT_ONCE = 25


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    directory = tmp_path_factory.mktemp("seeds")
    make_seeds(directory)
    return directory


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_seeds_are_good(seeds, tmp_path):
    for number, command in enumerate(COMMANDS):
        place = tmp_path / str(number)
        shutil.copytree(seeds, place)
        outcome = judge(command, place, "undamaged")
        assert (outcome.code, outcome.faults) == (0, []), outcome


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("first", range(0, CASES, AT_ONCE))
def test_damaged_inputs(seeds, first):
    bad = [run_case(seeds, number) for number in range(first, first + AT_ONCE)]
    bad = [outcome for outcome in bad if outcome.faults]
    assert not bad, "\n".join(
        f"{one.case}: {one.faults}\n{one.errors[-800:]}" for one in bad
    )


@pytest.mark.parametrize("word", ["/dev/null", "--output=/dev/null", "../a", "~/a"])
def test_no_command_gets_a_path_outside(word):
    with pytest.raises(ValueError, match="leads out of the directory"):
        check_inside(["results", word])


def test_mutators_stay_in_the_folder_and_repeat(tmp_path):
    contents = []
    for attempt in range(2):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        for number in range(200):
            path = folder / f"{number}.json"
            path.write_text('{"a": [1, {"b": "c"}], "d": null}')
            generator = random.Random(number)
            generator.choice(mutators_of(path))(path, generator)
        assert len(os.listdir(folder)) >= 180
        contents.append(
            {
                path.name: path.read_bytes() if path.is_file() else ""
                for path in folder.iterdir()
                if not path.is_symlink()
            }
        )
    assert contents[0] == contents[1]
    assert sorted(os.listdir(tmp_path)) == ["0", "1"]


def test_a_pipe_is_one_of_its_own(tmp_path):
    path = tmp_path / "a"
    path.write_text("a")
    make_pipe(path, None)
    assert stat.S_ISFIFO(path.stat().st_mode)

"""A run's directory: whose it is, and checkpoints that are whole and its own."""

import fcntl
import re

import numpy as np
import pytest

from tests.limits import file_size_limit
from zonekeras.errors import InputError
from zonekeras.training.checkpoints import read_checkpoint, write_checkpoint
from zonekeras.training.output import check_run_dir, open_run_dir

CONTENT = {"model": "a" * 64, "settings": {"seed": 1, "learning_rate": 3e-5}}


def other(**settings):
    return CONTENT | {"settings": CONTENT["settings"] | settings}


def test_a_checkpoint_comes_back(tmp_path):
    arrays = {"weight/a": np.arange(6.0).reshape(2, 3).T, "count": np.array(7)}
    write_checkpoint(tmp_path / "last.safetensors", arrays, "run")
    again = read_checkpoint(tmp_path / "last.safetensors", "run")
    assert again.keys() == arrays.keys()
    assert all(np.array_equal(again[name], arrays[name]) for name in arrays)
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_another_runs_checkpoint_is_refused(tmp_path):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {"a": np.zeros(2)}, "run")
    message = (
        f"{path}: expected a checkpoint of this run (model, data and settings). "
        "Received: another run's. Choose another `output_dir`, or remove it."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        read_checkpoint(path, "other")


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"", None])
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {"a": np.zeros(9)}, "run")
    path.write_bytes(damage(path.read_bytes()) if damage else b"PK\x03\x04" * 9)
    with pytest.raises(InputError, match="It cannot be read"):
        read_checkpoint(path, "run")


def test_a_failed_write_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {"a": np.ones(2)}, "run")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_checkpoint(path, {"a": np.zeros(2)}, "run")
    assert read_checkpoint(path, "run")["a"].tolist() == [1, 1]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path):
    """As the system says it, to the library that writes the file."""
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {"a": np.ones(2)}, "run")
    with (
        file_size_limit(1000),
        pytest.raises(OSError, match=f"^cannot write {path}: .*File too large"),
    ):
        write_checkpoint(path, {"a": np.zeros(2000)}, "run")
    assert read_checkpoint(path, "run")["a"].tolist() == [1, 1]
    assert len(list(tmp_path.iterdir())) == 1


def test_some_arrays_of_a_checkpoint(tmp_path):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {"a": np.ones(2), "b": np.ones(3)}, "run")
    assert read_checkpoint(path, "run", ["b"]).keys() == {"b"}
    with pytest.raises(InputError, match="It cannot be read"):
        read_checkpoint(path, "run", ["c"])


def test_a_run_goes_on_in_its_directory(tmp_path):
    with open_run_dir(tmp_path / "out", CONTENT) as output:
        assert output.read_last() is None
        output.write_last({"a": np.zeros(2)})
    with open_run_dir(tmp_path / "out", CONTENT) as output:
        assert output.read_last()["a"].tolist() == [0, 0]


def test_what_no_longer_decides_a_run_may_stand_in_its_content(tmp_path):
    """A run that an earlier version began goes on, under the name it had."""
    with open_run_dir(tmp_path, other(keep="last")) as output:
        output.write_last({"a": np.zeros(2)})
        name = output.run
    with open_run_dir(tmp_path, CONTENT) as output:
        assert output.run == name
        assert output.read_last().keys() == {"a"}


def test_a_checkpoint_that_is_gone_is_missed(tmp_path):
    with open_run_dir(tmp_path, CONTENT) as output:
        message = (
            f"Expected {tmp_path}/checkpoints/best.safetensors, which has the weights "
            "asked for. Received: no such file. Choose another `output_dir` to train "
            "again."
        )
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            output.read_best()


def test_another_run_is_turned_away_and_told_what_differs(tmp_path):
    out = tmp_path / "out"
    with open_run_dir(out, CONTENT):
        pass
    before = sorted(out.rglob("*"))
    message = (
        f"Expected the run that began in {out}. Received: another one, with "
        "learning_rate 0.001 instead of 3e-05, seed 2 instead of 1. Choose another "
        "`output_dir`."
    )
    with (
        pytest.raises(InputError, match=f"^{re.escape(message)}$"),
        open_run_dir(out, other(learning_rate=1e-3, seed=2)),
    ):
        pass
    assert sorted(out.rglob("*")) == before


def test_a_run_of_before_there_was_a_flag_goes_on_where_it_is_off(tmp_path):
    with open_run_dir(tmp_path, CONTENT) as output:
        name = output.run
    with open_run_dir(tmp_path, other(fixed_shapes=False)) as output:
        assert output.run == name
    with (
        pytest.raises(InputError, match="with fixed_shapes True instead of None"),
        open_run_dir(tmp_path, other(fixed_shapes=True)),
    ):
        pass


@pytest.mark.parametrize("name", ["zonekeras.json", "predictions.json", "1"])
def test_what_no_run_of_ours_left_is_not_touched(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=f"Received: {tmp_path} with {name}"):
        check_run_dir(tmp_path, CONTENT)


def test_a_file_is_no_directory(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/out, where .*file is a file"):
        check_run_dir(tmp_path / "file" / "out")


def test_one_writer_at_a_time(tmp_path):
    with (
        open_run_dir(tmp_path, CONTENT),
        pytest.raises(InputError, match="Received: process .* is writing there"),
        open_run_dir(tmp_path, CONTENT),
    ):
        pass
    with open(tmp_path / ".finetune.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("name", ["run.json", "sweep.sqlite"])
def test_a_sweeps_directory_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="this run began") as caught:
        check_run_dir(tmp_path, CONTENT)
    assert f"Received: {tmp_path} with {name}. Choose" in str(caught.value)

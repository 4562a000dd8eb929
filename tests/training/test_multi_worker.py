"""One run of `zonekeras finetune` by two processes on this machine, as on two."""

import signal
import time

import numpy as np
import pandas as pd
import pytest

from cli import finetune
from tests.backends import only_tensorflow
from tests.builders import tiny_squad, write_hugging_face, write_json
from tests.distribute.cluster import start_workers

pytestmark = [only_tensorflow, pytest.mark.slow]

FLAGS = ["--max_seq_length=29", "--doc_stride=7", "--train_batch_size=5"]
FLAGS += ["--num_train_epochs=3", "--learning_rate=1e-3", "--dropout=0.3"]
FLAGS += ["--checkpoint_steps=1", "--eval_steps=0", "--seed=3"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    directory = tmp_path_factory.mktemp("work")
    write_hugging_face(directory / "hf")
    write_json(directory / "train.json", tiny_squad(num_passages=4))
    write_json(directory / "dev.json", tiny_squad())
    for name in ("chief", "worker"):
        (directory / name).mkdir()
    return directory


def flags(out):
    files = [
        "--model=../hf",
        "--train_file=../train.json",
        "--predict_file=../dev.json",
    ]
    return [*files, *FLAGS, f"--output_dir={out}"]


@pytest.fixture(scope="module")
def alone(work):
    """The history of one process."""
    (work / "alone").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work / "alone")
        assert finetune.main(flags("out")) == 0
    return pd.read_csv(work / "alone" / "out" / "history.csv")


def start(work, out, *workers_flags):
    command = ["cli.finetune", *flags(out)]
    return start_workers(
        (work / "chief", command), (work / "worker", [*command, *workers_flags])
    )


def wait_for(process, word):
    """Reads what a process says up to a line with a word in it."""
    said = []
    for line in process.stderr:
        said.append(line)
        if word in line:
            return
    raise AssertionError("".join(said))


def test_two_workers_train_as_one_process(work, alone):
    """Stopped by the worker, then killed, then let finish."""
    chief, worker = start(work, "out")
    wait_for(chief, "step 2/")
    worker.send_signal(signal.SIGINT)
    errors = [process.communicate(timeout=600)[1] for process in (chief, worker)]
    assert [chief.returncode, worker.returncode] == [130, 130], errors
    assert "the last checkpoint is in out; the same command goes on" in errors[0]

    chief, worker = start(work, "out")
    wait_for(chief, "goes on after step ")
    wait_for(chief, ": loss")
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    begun = time.monotonic()
    _, error = chief.communicate(timeout=600)
    seconds = time.monotonic() - begun
    assert chief.returncode == 1, error
    last = error.splitlines()[-1]
    assert last.startswith(
        "zonekeras finetune: error: another worker ended or cannot be reached: "
    )
    assert seconds < 60

    chief, worker = start(work, "out")
    said, error = chief.communicate(timeout=600)
    workers_said, workers_error = worker.communicate(timeout=600)
    assert chief.returncode == worker.returncode == 0, error + workers_error
    assert "goes on after step " in error
    assert said.endswith("model in out\n")
    assert workers_said.endswith("worker done; the chief wrote the model to its out\n")
    assert list((work / "worker").iterdir()) == []
    together = pd.read_csv(work / "chief" / "out" / "history.csv")
    # Roundings grow over 36 steps; norms show them more than losses do.
    np.testing.assert_allclose(together["loss"], alone["loss"], rtol=1e-3)
    norms = together["gradient_norm"], alone["gradient_norm"]
    np.testing.assert_allclose(*norms, rtol=0.02)


def test_a_worker_with_another_flag_is_told_before_anything_is_written(work):
    for process in start(work, "other", "--seed=4"):
        _, error = process.communicate(timeout=600)
        assert process.returncode == 2, error
        assert "Received: another seed on worker 1 than on worker 0." in error
    assert not (work / "chief" / "other").exists()

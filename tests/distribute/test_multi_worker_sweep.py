"""One sweep by two processes on this machine, as on two machines."""

import signal
import time

import pytest

from cli import sweep
from tests.backends import only_tensorflow
from tests.builders import tiny_squad, write_hugging_face, write_json
from tests.distribute.cluster import start_workers
from tests.sweeping.sweeps import results

pytestmark = [only_tensorflow, pytest.mark.slow]

FLAGS = ["--max_seq_length=29", "--doc_stride=7", "--token_budget=150"]
FLAGS += ["--mask_layer=1", "--attention_questions=2"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    directory = tmp_path_factory.mktemp("work")
    write_hugging_face(directory / "hf")
    write_json(directory / "dev.json", tiny_squad(num_passages=6))
    return directory


@pytest.fixture(scope="module")
def alone(work):
    out = work / "alone"
    flags = [f"--model={work / 'hf'}", f"--predict_file={work / 'dev.json'}"]
    assert sweep.main([*flags, *FLAGS, f"--output_dir={out}"]) == 0
    return answers(out)


def answers(directory):
    """Returns what must not depend on who ran what: answers and scores.

    Attention masses agree to roundings: replicas run other graphs than one device.
    """
    return {
        name: content
        for name, content in results(directory).items()
        if name.startswith("predictions") or name == "results.csv"
    }


def start_sweep(work, output_dir):
    """Starts the same command as both workers of a cluster."""
    command = ["cli.sweep", "--model=hf", "--predict_file=dev.json", *FLAGS]
    command.append(f"--output_dir={output_dir}")
    return start_workers((work, command), (work, command))


def test_two_workers_leave_the_files_of_one(work, alone):
    chief, worker = start_sweep(work, "together")
    worker_out, worker_err = worker.communicate(timeout=300)
    out, err = chief.communicate(timeout=60)
    assert chief.returncode == worker.returncode == 0, err + worker_err
    assert out.endswith("results in together\n")
    assert worker_out == "worker 1: done; the results are with worker 0\n"
    assert answers(work / "together") == alone


def test_a_dead_worker_ends_the_others_and_the_job_goes_on(work, alone):
    chief, worker = start_sweep(work, "killed")
    for line in chief.stderr:
        if " left" in line:  # a first part is in the store
            break
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    start = time.monotonic()
    _, err = chief.communicate(timeout=200)
    seconds = time.monotonic() - start
    assert chief.returncode == 1, err
    last = err.splitlines()[-1]
    assert last.startswith(
        "zonekeras sweep: error: another worker ended or cannot be reached: "
    ), last
    assert last.endswith("and they go on from what is stored.")
    assert seconds < 120
    assert (work / "killed" / "sweep.sqlite").exists()

    chief, worker = start_sweep(work, "killed")
    worker.communicate(timeout=300)
    _, err = chief.communicate(timeout=60)
    assert chief.returncode == 0, err
    assert "of them kept from before" in err
    assert answers(work / "killed") == alone


def test_a_dead_chief_ends_the_workers(work):
    chief, worker = start_sweep(work, "beheaded")
    for line in chief.stderr:
        if " of " in line:
            break
    chief.send_signal(signal.SIGKILL)
    chief.communicate()
    _, err = worker.communicate(timeout=200)
    assert worker.returncode == 1, err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith(
        "zonekeras sweep: error: another worker ended or cannot be reached: "
    ), err

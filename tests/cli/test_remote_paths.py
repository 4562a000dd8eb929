"""Commands on files that lie elsewhere: a bucket in memory in place of `gs://`."""

import argparse
import json
import re
from pathlib import Path

import pytest

from cli import (
    compare,
    download,
    evaluate,
    export,
    finetune,
    gradients,
    report,
    results,
    sweep,
)
from cli.remote_paths import local_paths
from cli.value_types import RemoteInput, existing_file, input_path, output_dir
from tests.backends import only_tensorflow
from tests.builders import tiny_squad, write_hugging_face, write_json
from tests.downloading.http_server import serve
from tests.remote_bucket import empty_bucket
from tests.sweeping.sweeps import count_calls
from tests.sweeping.sweeps import results as files_of
from zonekeras.downloading import downloads
from zonekeras.downloading.downloads import Source
from zonekeras.downloading.http_files import RemoteFile
from zonekeras.remote import working_copy
from zonekeras.remote.staging import Staging
from zonekeras.remote.writer_mark import MARK_FILE

LENGTHS = ["--max_seq_length=29", "--doc_stride=7", "--token_budget=200"]
REMOTE = ["--model=memory://bucket/hf", "--predict_file=memory://bucket/dev.json"]

pytestmark = pytest.mark.usefixtures("models_are_loaded_once")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A directory with a model and a dev file."""
    directory = tmp_path_factory.mktemp("work")
    write_hugging_face(directory / "hf")
    write_json(directory / "dev.json", tiny_squad())
    return directory


@pytest.fixture
def bucket(work):
    """The same in a bucket."""
    with empty_bucket() as found:
        found.put_directory("hf", work / "hf")
        found["dev.json"] = (work / "dev.json").read_bytes()
        yield found


@pytest.fixture(scope="module")
def swept(work):
    """The directory of a sweep of local files."""
    out = work / "out"
    flags = [f"--model={work / 'hf'}", f"--predict_file={work / 'dev.json'}"]
    assert sweep.main([*flags, *LENGTHS, "--mask_layer=1", f"--output_dir={out}"]) == 0
    return out


@pytest.fixture
def remote_sweep():
    return [*REMOTE, *LENGTHS, "--mask_layer=1", "--output_dir=memory://bucket/runs/a"]


def test_a_type_says_what_is_remote():
    assert input_path("here") == "here"
    assert isinstance(input_path("gs://b/there"), RemoteInput)
    assert isinstance(existing_file("gs://b/there"), RemoteInput)


def test_a_sweep_from_and_to_a_bucket(bucket, swept, remote_sweep, capsys):
    assert sweep.main(remote_sweep) == 0
    printed = capsys.readouterr()
    assert "results in memory://bucket/runs/a\n" in printed.out
    assert "/zonekeras-" not in printed.out + printed.err
    expected = files_of(swept)
    assert {name: bucket[f"runs/a/{name}"] for name in expected} == expected
    assert set(bucket.names("runs/a")) == {*expected, "run.json", "sweep.sqlite"}
    record = json.loads(bucket["runs/a/run.json"])
    assert record["model"] == "memory://bucket/hf"
    assert record["dataset"] == "memory://bucket/dev.json"
    assert record["flags"]["output_dir"] == "memory://bucket/runs/a"

    before = bucket.names()
    assert results.main(["memory://bucket/runs/a"]) == 0
    assert "memory://bucket/dev.json" in capsys.readouterr().out
    csv = "--output=memory://bucket/cells.csv"
    assert results.main(["memory://bucket/runs/a", "--export=csv", csv]) == 0
    assert bucket["cells.csv"].startswith(b"run,")
    assert bucket.names() == sorted([*before, "cells.csv"])
    predictions = "memory://bucket/runs/a/predictions.json"
    assert evaluate.main(["memory://bucket/dev.json", predictions]) == 0
    assert "exact_match" in capsys.readouterr().out


def test_a_killed_sweep_goes_on_from_the_bucket(
    bucket, swept, remote_sweep, capsys, monkeypatch
):
    class Killed(BaseException):
        pass

    calls = count_calls(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(working_copy, "SECONDS_BETWEEN_UPLOADS", 0)
        patch.setattr(working_copy, "_MOST_SHARE", 1e9)
        # A dead process writes nothing back, and its mark stays.
        patch.setattr(Staging, "__exit__", lambda *exception: None)
        runner = sweep_that_dies(patch, Killed, after=2)
        with pytest.raises(Killed):
            sweep.main(remote_sweep)
    assert runner.num_batches == 3
    kept = bucket.names("runs/a")
    assert {"run.json", "sweep.sqlite", MARK_FILE} <= set(kept)
    assert "results.csv" not in kept
    capsys.readouterr()

    assert sweep.main(remote_sweep) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.search(
        r"only one that writes to memory://bucket/runs/a\. Received: process ", line
    )
    assert bucket.names("runs/a") == kept

    mark = json.loads(bucket[f"runs/a/{MARK_FILE}"])
    bucket[f"runs/a/{MARK_FILE}"] = json.dumps(mark | {"time": 0}).encode()
    num_run = len(calls)
    assert sweep.main(remote_sweep) == 0
    expected = files_of(swept)
    assert {name: bucket[f"runs/a/{name}"] for name in expected} == expected
    assert "of them kept from before" in capsys.readouterr().err
    assert len(calls) - num_run == 4  # of 5 batches


def sweep_that_dies(patch, error, after):
    """Lets the sweep's process end while a batch runs; counts those that began."""
    from zonekeras.sweeping.batch_runner import BatchRunner

    class Counter:
        num_batches = 0

    logits = BatchRunner.logits

    def counted(self, *arguments):
        Counter.num_batches += 1
        if Counter.num_batches > after:
            raise error
        return logits(self, *arguments)

    patch.setattr(BatchRunner, "logits", counted)
    return Counter


def test_what_does_not_write_leaves_the_output_directory_alone(bucket):
    bucket["runs/a/sweep.sqlite"] = b"the chief's"
    before = bucket.names()
    flags = argparse.Namespace(output_dir=output_dir("memory://bucket/runs/a"))
    with local_paths(flags, writes=False) as local:
        place = Path(local.arguments.output_dir)
        assert not place.exists()
        place.mkdir(parents=True)
        (place / "results.csv").write_text("a worker's")
    assert not place.exists()
    assert bucket.names() == before


BAD = [
    (
        ["--model=memory://bucket/nothing", "--predict_file=memory://bucket/dev.json"],
        "Expected a file or directory at memory://bucket/nothing. Received: nothing is "
        "there.",
    ),
    (
        ["--model=memory://bucket/hf", "--predict_file=memory://bucket/hf/config.json"],
        "memory://bucket/hf/config.json: ",
    ),
    (
        ["--model=nope://bucket/hf", "--predict_file=memory://bucket/dev.json"],
        "Expected the address of a file system that fsspec knows, such as ",
    ),
]


@pytest.mark.parametrize(("flags", "message"), BAD, ids=["missing", "other", "scheme"])
def test_bad_input_is_one_line(bucket, capsys, flags, message):
    before = bucket.names()
    assert sweep.main([*flags, "--output_dir=memory://bucket/out"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"zonekeras sweep: error: {message}")
    assert "/zonekeras-" not in line
    assert bucket.names() == before


@pytest.mark.slow
def test_what_reads_a_sweep_from_and_to_a_bucket(bucket, swept, capsys):
    bucket.put_directory("runs/a", swept)
    assert report.main(["memory://bucket/runs/a"]) == 0
    assert "wrote memory://bucket/runs/a/report.html" in capsys.readouterr().out
    assert bucket["runs/a/report.html"].startswith(b"<!DOCTYPE html>")
    runs = ["memory://bucket/runs/a", str(swept)]
    assert compare.main([*runs, "--output_dir=memory://bucket/compared"]) == 0
    assert "/zonekeras-" not in capsys.readouterr().out
    assert "compared/comparison.png" in bucket.names()


@pytest.mark.slow
def test_gradients_from_and_to_a_bucket(bucket, capsys):
    flags = ["--exact=0", "--output_dir=memory://bucket/gradients"]
    assert gradients.main([*REMOTE, *LENGTHS, *flags]) == 0
    assert "results in memory://bucket/gradients" in capsys.readouterr().out
    assert "gradients/gradients.csv" in bucket.names()


def test_a_download_into_a_bucket(bucket, monkeypatch, capsys):
    with serve({"/dev.json": b"0123456789"}) as running:
        source = Source(RemoteFile(f"{running.url}/dev.json"))
        monkeypatch.setitem(downloads.CATALOGUE, "squad", (source,))
        assert download.main(["squad", "--output_dir=memory://bucket/squad"]) == 0
    assert capsys.readouterr().out.startswith("memory://bucket/squad/dev.json: SHA-256")
    assert bucket["squad/dev.json"] == b"0123456789"


@only_tensorflow
@pytest.mark.slow
def test_fine_tuning_and_export_from_and_to_a_bucket(bucket, capsys):
    flags = [
        "--model=memory://bucket/hf",
        "--train_file=memory://bucket/dev.json",
        "--output_dir=memory://bucket/reader",
        "--train_batch_size=16",
        "--num_train_epochs=1",
        *LENGTHS[:2],
    ]
    assert finetune.main(flags) == 0
    printed = capsys.readouterr()
    assert "model in memory://bucket/reader\n" in printed.out
    names = bucket.names("reader")
    for name in ("zonekeras.json", "model.keras", "1/saved_model.pb", "history.csv"):
        assert name in names
    assert "checkpoints/last.safetensors" in names
    assert json.loads(bucket["reader/zonekeras.json"])["source"] == "memory://bucket/hf"

    assert finetune.main(flags) == 0
    out = capsys.readouterr().out
    assert "memory://bucket/reader: was finished before; nothing to train" in out
    assert bucket.names("reader") == names

    source, target = "memory://bucket/reader", "memory://bucket/served"
    assert export.main([f"--model={source}", f"--output_dir={target}"]) == 0
    assert f"wrote {target}/1 with the signatures" in capsys.readouterr().out
    assert "1/saved_model.pb" in bucket.names("served")
    origin = json.loads(bucket["served/zonekeras.json"])["source"]
    assert origin == "memory://bucket/hf"

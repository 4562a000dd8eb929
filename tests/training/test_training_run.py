"""`finetune` whole: it learns, scores, goes on after a kill, refuses what is wrong."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import zonekeras
from tests.backends import only_tensorflow
from tests.builders import (
    ONE_LAYER,
    tiny_model,
    tiny_squad,
    tiny_tokenizer,
    write_json,
)
from zonekeras.errors import InputError
from zonekeras.machine import advice_on_not_finite, describe_onednn
from zonekeras.training import finetune

pytestmark = only_tensorflow

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "max_seq_length": 29,
    "doc_stride": 7,
    "train_batch_size": 5,
    "learning_rate": 5e-3,
    "num_train_epochs": 2,
    "seed": 3,
}

# What a killed run does: prints each step, slowly, so that it can be killed anywhere.
SCRIPT = """
import sys, time
from tests.builders import tiny_model
from zonekeras.training import finetune

def report(progress):
    print(progress.stage, progress.step, flush=True)
    time.sleep(float(sys.argv[2]))

finetune(tiny_model(), "train.json", "dev.json", sys.argv[1], on_progress=report,
         deterministic=True, checkpoint_steps=3, {settings})
print("finished", flush=True)
"""


def small_model(seed=0):
    """A reader that is soon compiled; runs do not depend on how deep it is."""
    return tiny_model(seed, **ONE_LAYER)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    directory = tmp_path_factory.mktemp("work")
    write_json(directory / "train.json", tiny_squad(num_passages=4))
    write_json(directory / "dev.json", tiny_squad(num_passages=2, seed=1))
    write_json(directory / "v2.json", tiny_squad(with_impossible=True))
    return directory


@pytest.fixture(scope="module")
def finished(work):
    result = finetune(
        small_model(), work / "train.json", work / "dev.json", work / "out", **SETTINGS
    )
    return result, work / "out"


def weights_of(model):
    from zonekeras.models.weights import reader_weights

    return reader_weights(model.network.reader)


def test_what_a_run_writes(finished):
    result, out = finished
    assert sorted(path.name for path in out.iterdir()) == [
        ".finetune.lock",
        "1",
        "checkpoints",
        "history.csv",
        "model.keras",
        "predictions.json",
        "run.json",
        "tensorboard",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.pdf",
        "training.png",
        "zonekeras.json",
    ]
    assert json.loads((out / "predictions.json").read_text()) == result.answers.texts
    made_by = json.loads((out / "zonekeras.json").read_text())["made_by"]
    assert made_by["command"] == "finetune"
    assert made_by["settings"]["learning_rate"] == 5e-3


def test_the_model_directory_holds_the_trained_model(finished):
    result, out = finished
    loaded = zonekeras.load(out)
    assert loaded.fingerprint() == result.model.fingerprint()
    assert loaded.fingerprint() != small_model().fingerprint()
    assert loaded.description.has_head and loaded.description.precision == "float32"


def test_every_epoch_is_scored(finished):
    result, _ = finished
    steps = [row.step for row in result.history if row.is_scored]
    per_epoch = len(result.history) // 2
    assert steps == [per_epoch, 2 * per_epoch]
    assert result.history.last.scores == result.answers.scores


def test_tensorboard_gets_the_curves(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result, out = finished
    every = {"tensors": 0}
    events = EventAccumulator(str(out / "tensorboard"), size_guidance=every).Reload()
    tags = events.Tags()["tensors"]
    assert {"train/loss", "train/learning_rate", "dev/f1"} <= set(tags)
    assert len(events.Tensors("train/loss")) == len(result.history)


def test_a_finished_run_is_not_trained_again(finished, work):
    result, out = finished
    before = (out / "run.json").stat().st_mtime_ns
    again = finetune(
        small_model(), work / "train.json", work / "dev.json", out, **SETTINGS
    )
    assert again.was_finished and not result.was_finished
    assert again.answers == result.answers
    assert len(again.history) == len(result.history)
    assert (out / "run.json").stat().st_mtime_ns == before


def test_what_is_gone_of_a_finished_run_is_written_again(finished, work, tmp_path):
    result, out = finished
    copy = shutil.copytree(out, tmp_path / "copy")
    gone = ["predictions.json", "training.png", "checkpoints/last.safetensors"]
    for name in gone:
        (copy / name).unlink()
    shutil.rmtree(copy / "1")
    again = finetune(
        small_model(), work / "train.json", work / "dev.json", copy, **SETTINGS
    )
    assert again.was_finished
    assert again.history.last.step == result.history.last.step
    assert again.history.last.scores == pytest.approx(result.history.last.scores)
    predictions = gone[0]
    assert (copy / predictions).read_bytes() == (out / predictions).read_bytes()
    # Drawn from the digits of history.csv, so not the same bytes.
    assert (copy / "training.png").read_bytes().startswith(b"\x89PNG")
    assert zonekeras.load(copy).fingerprint() == result.model.fingerprint()


def test_a_finished_run_gives_its_best_weights_too(finished, work, tmp_path):
    """The first score is made the best; weights of its own stand for its weights."""
    from safetensors.numpy import load_file

    from zonekeras.training.output import RunDirectory

    result, out = finished
    copy = shutil.copytree(out, tmp_path / "copy")
    path = copy / "checkpoints" / "last.safetensors"
    made_by = json.loads((copy / "zonekeras.json").read_text())["made_by"]
    output = RunDirectory(copy, made_by["run"])
    state = output.read_last()
    best = {n: array for n, array in state.items() if n.startswith("weight/")}
    best["weight/span_head.bias"] = np.array([0.25, -0.5], np.float32)
    output.write_best(best)
    first = len(result.history) // 2 - 1
    state["history"][first, -1] = 101.0
    output.write_last(state)

    def again(keep):
        arguments = small_model(), work / "train.json", work / "dev.json", copy
        return finetune(*arguments, **SETTINGS, keep=keep)

    chosen = again("best")
    assert not chosen.was_finished and len(chosen.history) == len(result.history)
    bias = weights_of(zonekeras.load(copy, prefer_saved_model=False))["span_head.bias"]
    assert bias.tolist() == [0.25, -0.5]
    assert load_file(path).keys() == state.keys()
    assert again("best").was_finished
    path.unlink()
    with pytest.raises(InputError, match=f"^Expected {path}, which has the weights"):
        again("last")


def test_it_learns_one_passage_by_heart(work):
    one = tiny_squad(num_passages=1)
    write_json(work / "one.json", one)
    result = finetune(
        small_model(),
        work / "one.json",
        work / "one.json",
        **SETTINGS
        | {"num_train_epochs": 120, "max_seq_length": 61, "dropout": 0.0}
        | {"eval_steps": 0},
    )
    assert result.answers.exact_match == 100.0
    assert result.history.last.loss < 0.2


def test_the_model_it_starts_from_is_left_alone(work):
    model = small_model()
    before = model.fingerprint()
    short = SETTINGS | {"num_train_epochs": 0.2}
    finetune(model, work / "train.json", **short)
    assert model.fingerprint() == before


def test_null_answers_are_trained_and_predicted(work):
    def answer(threshold):
        return finetune(
            small_model(),
            work / "v2.json",
            work / "v2.json",
            **SETTINGS | {"num_train_epochs": 1, "eval_steps": 0},
            null_score_diff_threshold=threshold,
        ).answers

    never, always = answer(1e6), answer(-1e6)
    assert "" not in never.texts.values()
    assert set(always.texts.values()) == {""}
    assert never.null_odds.keys() == never.texts.keys()


def test_from_scratch_depends_on_the_seed_alone(work):
    def start(seed, model_seed=0):
        model = small_model(model_seed)
        short = SETTINGS | {"num_train_epochs": 1e-9, "seed": seed}
        result = finetune(model, work / "train.json", from_scratch=True, **short)
        return weights_of(result.model)["block.0.intermediate.kernel"]

    first = start(3)
    assert np.array_equal(first, start(3, model_seed=1))
    assert not np.array_equal(first, start(4))
    assert 0.015 < first.std() < 0.02  # 0.02, cut at two deviations


def test_the_best_weights_can_be_kept(work):
    kept = {}
    for keep in ("last", "best"):
        result = finetune(
            small_model(),
            work / "train.json",
            work / "dev.json",
            **SETTINGS | {"eval_steps": 1, "keep": keep, "num_train_epochs": 1},
        )
        kept[keep] = result.answers.f1
    scores = [row.scores["f1"] for row in result.history]
    assert kept["best"] == pytest.approx(max(scores))
    assert kept["last"] == pytest.approx(scores[-1])


def test_a_loss_that_is_no_number_stops_the_run(work):
    out = work / "nan"
    wild = SETTINGS | {"learning_rate": 1e30}
    with pytest.raises(InputError) as caught:
        finetune(small_model(), work / "train.json", None, out, **wild)
    message = str(caught.value)
    assert message.startswith("Expected finite losses and gradients. Received: loss ")
    assert message.endswith(f"into another directory. {advice_on_not_finite()}")
    assert f"; oneDNN {describe_onednn()}; " in message
    assert not (out / "zonekeras.json").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": -1}, "learning_rate=-1 is not a number above 0"),
        ({"max_seq_length": 62}, "Expected max_seq_length of at most 61, which is"),
        ({"max_seq_length": 4}, "expected max_seq_length to be at least"),
    ],
)
def test_bad_settings_leave_the_directory_alone(work, tmp_path, changes, message):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=re.escape(message)):
        finetune(small_model(), work / "train.json", None, out, **SETTINGS | changes)
    assert not out.exists()


def test_a_saved_model_cannot_be_trained(finished, work):
    _, out = finished
    message = "Received: a loaded SavedModel. Load the model directory with prefer_"
    with pytest.raises(InputError, match=message):
        finetune(zonekeras.load(out), work / "train.json", **SETTINGS)


def test_a_model_without_head_gets_one_of_the_seed(work):
    from dataclasses import replace

    from zonekeras.models.zone_model import ZoneModel

    heads = []
    for seed in (1, 1, 2):
        model = small_model()
        description = replace(model.description, has_head=False)
        headless = ZoneModel(model.network, tiny_tokenizer(), description)
        short = SETTINGS | {"num_train_epochs": 1e-9, "seed": seed}
        result = finetune(headless, work / "train.json", **short)
        heads.append(weights_of(result.model)["span_head.kernel"])
    assert np.array_equal(heads[0], heads[1])
    assert not np.array_equal(heads[0], heads[2])


@pytest.mark.slow
class TestKilled:
    """A run that is killed and started again ends as one that was not, bit for bit."""

    SETTINGS = SETTINGS | {"eval_steps": 4, "gradient_accumulation_steps": 5}

    def start(self, work, out, pause=0.0):
        settings = ", ".join(f"{k}={v!r}" for k, v in self.SETTINGS.items())
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT.format(settings=settings), out, str(pause)],
            cwd=work,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TF_ENABLE_ONEDNN_OPTS": "0",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stop(self, process, line, number):
        """Ends a run once it has said something, and lets it say no more."""
        for said in process.stdout:
            if said.startswith(line):
                break
        time.sleep(0.1)
        process.send_signal(number)
        process.communicate()
        return process.returncode

    def result(self, work, out):
        """Returns everything of a run that must not depend on a kill."""
        process = self.start(work, out)
        said, errors = process.communicate()
        assert "finished" in said, errors
        model = zonekeras.load(work / out, prefer_saved_model=False)
        names = ("history.csv", "predictions.json", "training.png")
        files = [(work / out / name).read_bytes() for name in names]
        return said, model.fingerprint(), files

    def test_the_weights_are_the_same_bit_for_bit(self, work):
        _, fingerprint, files = self.result(work, "straight")
        killed = self.start(work, "killed", pause=0.05)
        assert self.stop(killed, "training 5", signal.SIGKILL) == -signal.SIGKILL
        again = self.start(work, "killed", pause=0.05)
        assert self.stop(again, "scoring 8", signal.SIGINT) != 0
        said, resumed, resumed_files = self.result(work, "killed")
        assert "training 3\n" not in said  # it did not begin again
        assert resumed == fingerprint
        assert resumed_files == files

"""`finetune` of classifiers whole: it learns, goes on after a kill, refuses."""

import json
import shutil

import numpy as np
import pytest

import zonekeras
from tests.backends import only_tensorflow
from tests.builders import LABELS, ONE_LAYER, tiny_classifier
from tests.labelled_texts import tiny_texts, write_lines
from zonekeras.errors import InputError
from zonekeras.training import finetune, predict

pytestmark = only_tensorflow

SETTINGS = {
    "max_seq_length": 31,
    "train_batch_size": 5,
    "learning_rate": 5e-3,
    "num_train_epochs": 2,
    "seed": 3,
}


def small_model(seed=0, **more):
    """A classifier that is soon compiled."""
    return tiny_classifier(seed, **ONE_LAYER, **more)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    directory = tmp_path_factory.mktemp("work")
    write_lines(directory / "train.jsonl", tiny_texts(num=13))
    write_lines(directory / "dev.jsonl", tiny_texts(num=7, seed=1))
    return directory


@pytest.fixture(scope="module")
def finished(work):
    result = finetune(
        small_model(),
        work / "train.jsonl",
        work / "dev.jsonl",
        work / "out",
        **SETTINGS,
    )
    return result, work / "out"


def test_what_a_run_writes(finished):
    result, out = finished
    assert sorted(path.name for path in out.iterdir()) == [
        ".finetune.lock",
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
    answers = json.loads((out / "predictions.json").read_text())
    assert answers == result.answers.texts
    assert set(answers.values()) <= set(LABELS)
    header, *rows = (out / "history.csv").read_text().splitlines()
    names = "step,epoch,loss,learning_rate,gradient_norm,accuracy,macro_f1"
    assert header == names and len(rows) == 6
    settings = json.loads((out / "run.json").read_text())["settings"]
    assert settings["label_smoothing"] == 0.0
    assert not {"doc_stride", "n_best_size"} & settings.keys()


def test_the_scores_are_those_of_the_answers(finished, work):
    """Counted here from the file, not by the task."""
    result, _ = finished
    gold = {}
    for line in (work / "dev.jsonl").read_text().splitlines():
        entry = json.loads(line)
        label = entry["label"]
        gold[entry["id"]] = label if isinstance(label, str) else LABELS[label]
    right = [gold[name] == answer for name, answer in result.answers.texts.items()]
    assert result.answers.scores["accuracy"] == pytest.approx(100 * np.mean(right))
    f1 = []
    for label in {*gold.values(), *result.answers.texts.values()}:
        both = sum(
            gold[name] == answer == label
            for name, answer in result.answers.texts.items()
        )
        count = [*gold.values(), *result.answers.texts.values()].count(label)
        f1.append(2 * both / count)
    assert result.answers.scores["macro_f1"] == pytest.approx(100 * np.mean(f1))
    assert result.history.last.scores == result.answers.scores


def test_the_model_directory_loads_and_sweeps(finished, work, tmp_path):
    result, out = finished
    loaded = zonekeras.load(out)
    assert loaded.labels == LABELS
    assert loaded.fingerprint() == result.model.fingerprint()
    assert loaded.fingerprint() != small_model().fingerprint()
    swept = zonekeras.run_sweep(
        loaded,
        work / "dev.jsonl",
        tmp_path / "sweep",
        configurations=["layer0:cls2p"],
        max_seq_length=31,
    )
    baseline = swept.table.iloc[0]
    assert baseline["accuracy"] == pytest.approx(result.answers.scores["accuracy"])
    of_sweep = json.loads((tmp_path / "sweep" / "predictions.json").read_text())
    assert of_sweep == result.answers.texts


def test_a_finished_run_is_not_trained_again(finished, work):
    result, out = finished
    again = finetune(
        small_model(), work / "train.jsonl", work / "dev.jsonl", out, **SETTINGS
    )
    assert again.was_finished and again.answers == result.answers


def test_predicting_gives_the_same_answers(finished, work, tmp_path):
    result, out = finished
    answers = predict(
        zonekeras.load(out), work / "dev.jsonl", tmp_path / "out", max_seq_length=31
    )
    assert answers == result.answers
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert scores == result.answers.scores


class Stopped(Exception):
    """Stands for the end of a process."""


def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(work, tmp_path):
    from safetensors.numpy import load_file

    def run(name, stop=None):
        def report(progress):
            if stop is not None and (progress.stage, progress.step) == stop:
                raise Stopped

        return finetune(
            small_model(),
            work / "train.jsonl",
            work / "dev.jsonl",
            tmp_path / name,
            on_progress=report,
            deterministic=True,
            checkpoint_steps=1,
            keep="best",
            class_weights="balanced",
            label_smoothing=0.1,
            focal_gamma=1.5,
            **SETTINGS,
        )

    run("whole")
    for stop in (("training", 2), ("scoring", 3), ("training", 5)):
        with pytest.raises(Stopped):
            run("stopped", stop)
    run("stopped")
    for name in ("history.csv", "predictions.json"):
        whole, stopped = (tmp_path / kind / name for kind in ("whole", "stopped"))
        assert whole.read_bytes() == stopped.read_bytes(), name
    for name in ("last", "best"):  # their metadata have no fixed order
        whole, stopped = (
            load_file(tmp_path / kind / "checkpoints" / f"{name}.safetensors")
            for kind in ("whole", "stopped")
        )
        assert whole.keys() == stopped.keys()
        for key, array in whole.items():
            assert array.tobytes() == stopped[key].tobytes(), key


def test_it_learns_a_file_by_heart(work):
    result = finetune(
        small_model(),
        work / "train.jsonl",
        work / "train.jsonl",
        **SETTINGS | {"num_train_epochs": 60, "dropout": 0.0, "eval_steps": 0},
    )
    assert result.answers.scores == {"accuracy": 100.0, "macro_f1": 100.0}
    assert result.history.last.loss < 0.2


def test_the_best_weights_are_those_of_the_highest_accuracy(work):
    result = finetune(
        small_model(),
        work / "train.jsonl",
        work / "dev.jsonl",
        **SETTINGS | {"eval_steps": 1, "keep": "best"},
    )
    found = [row.scores["accuracy"] for row in result.history]
    assert result.answers.scores["accuracy"] == max(found)
    assert result.history.best().step == 1 + int(np.argmax(found))


@pytest.mark.parametrize(
    "options",
    [{"class_weights": "balanced"}, {"label_smoothing": 0.2}, {"focal_gamma": 2.0}],
)
def test_an_option_changes_the_first_loss_and_the_run(work, tmp_path, options):
    short = SETTINGS | {"num_train_epochs": 1e-9, "dropout": 0.0}
    directory = tmp_path / "out"
    plain = finetune(small_model(), work / "train.jsonl", None, directory, **short)
    other = finetune(small_model(), work / "train.jsonl", **short, **options)
    assert plain.history.last.loss != pytest.approx(other.history.last.loss, rel=1e-3)
    [(name, value)] = options.items()
    with pytest.raises(InputError, match=f"another one, with {name} {value} instead"):
        finetune(
            small_model(), work / "train.jsonl", None, directory, **short, **options
        )


def test_from_scratch_draws_the_head_too(work):
    short = SETTINGS | {"num_train_epochs": 1e-9, "learning_rate": 1e-9}

    def kernel(model_seed, seed):
        from zonekeras.models.weights import reader_weights

        result = finetune(
            small_model(model_seed),
            work / "train.jsonl",
            from_scratch=True,
            **short | {"seed": seed},
        )
        return reader_weights(result.model.network.reader)["classifier.output.kernel"]

    assert np.allclose(kernel(0, 3), kernel(1, 3), atol=1e-6)
    assert not np.allclose(kernel(0, 3), kernel(0, 4), atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"doc_stride": 9},
            "Expected settings of the task classification. Received: doc_stride, which "
            "it does not have. Leave them out.",
        ),
        (
            {"metric": "squad"},
            "Expected a metric of the task classification: auto, accuracy. Received: "
            "metric='squad'.",
        ),
        (
            {"label_smoothing": 1.0, "focal_gamma": -1, "class_weights": "all"},
            "Expected other training settings. Received: class_weights='all' is not "
            "one of none, balanced; label_smoothing=1.0 is not a number from 0 to less "
            "than 1; focal_gamma=-1 is not a number of at least 0.",
        ),
        (
            {"max_seq_length": 62},
            "Expected max_seq_length of at most 61, which is what this model can read. "
            "Received: 62.",
        ),
        (
            {"keep": "best"},
            "Expected a dev set with gold answers to choose the best weights by. "
            "Received: keep='best' with none.",
        ),
    ],
)
def test_settings_that_do_not_fit(work, tmp_path, settings, message):
    with pytest.raises(InputError) as caught:
        finetune(
            small_model(),
            work / "train.jsonl",
            None,
            tmp_path / "out",
            **SETTINGS | settings,
        )
    assert str(caught.value) == message
    assert not (tmp_path / "out").exists()


def test_labels_that_the_model_lacks_are_found_before_anything_is_written(
    work, tmp_path
):
    path = write_lines(
        tmp_path / "other.jsonl", tiny_texts(num=3, labels=("a", "b", "c"))
    )
    for train, dev in ((path, None), (work / "train.jsonl", path)):
        with pytest.raises(InputError, match="^Expected gold labels in .*other.jsonl"):
            finetune(small_model(), train, dev, tmp_path / "out", **SETTINGS)
    assert not (tmp_path / "out").exists()


def test_pairs_and_single_texts_do_not_mix(work, tmp_path):
    path = write_lines(tmp_path / "single.jsonl", tiny_texts(pairs=False, num=3))
    message = "Expected pairs of texts in .*single.jsonl, as in .*train.jsonl. Received"
    with pytest.raises(InputError, match=message):
        finetune(small_model(), work / "train.jsonl", path, **SETTINGS)


def test_settings_of_classifiers_are_no_readers(work, tmp_path):
    from tests.builders import tiny_model, tiny_squad, write_json

    path = write_json(tmp_path / "train.json", tiny_squad())
    message = "Expected settings of the task span. Received: focal_gamma, which it"
    with pytest.raises(InputError, match=message):
        finetune(tiny_model(**ONE_LAYER), path, focal_gamma=1.0)


def test_what_is_gone_of_a_finished_run_is_written_again(finished, work, tmp_path):
    _, out = finished
    copy = shutil.copytree(out, tmp_path / "copy")
    (copy / "predictions.json").unlink()
    finetune(small_model(), work / "train.jsonl", work / "dev.jsonl", copy, **SETTINGS)
    name = "predictions.json"
    assert (copy / name).read_bytes() == (out / name).read_bytes()

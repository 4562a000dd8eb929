"""Whole sweeps of tiny classifiers, on pairs and on single texts."""

import json

import numpy as np
import pandas as pd
import pytest

import zonekeras
from tests.backends import to_numpy
from tests.builders import LABELS, tiny_classifier, tiny_model
from tests.labelled_texts import tiny_texts, write_lines
from tests.sweeping.sweeps import count_calls, results
from zonekeras.analysis.joining import read_run
from zonekeras.analysis.listing import export_table, list_runs
from zonekeras.analysis.merge import merge_runs
from zonekeras.analysis.question_groups import group_table
from zonekeras.analysis.sweep_comparison import compare_sweeps
from zonekeras.errors import InputError
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.sweeping import (
    SweepSettings,
    compare_precision,
    estimate_sweep,
    run_shard,
    run_sweep,
    run_sweeps,
)
from zonekeras.tasks import classification, span
from zonekeras.zones import Role

pytestmark = pytest.mark.both_backends

SETTINGS = {"max_seq_length": 31, "token_budget": 150}
PAIR_ZONES = ["q2", "p2", "q2p-text", "p2q-text", "cls2q", "cls2p", "all"]
ZONES = {True: PAIR_ZONES, False: ["p2", "cls2p", "all"]}


def cells(zones):
    return [f"layer{layer}:{zone}" for layer in range(3) for zone in zones]


@pytest.fixture(scope="module")
def model():
    return tiny_classifier(seed=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    return {
        pairs: write_lines(folder / f"{pairs}.jsonl", tiny_texts(pairs=pairs, num=17))
        for pairs in (True, False)
    }


@pytest.fixture(scope="module")
def swept(model, files, tmp_path_factory):
    """The sweep of pairs: its directory and its result."""
    directory = tmp_path_factory.mktemp("swept")
    return directory, run_sweep(model, files[True], directory, **SETTINGS)


def macro_f1(gold, found):
    """Macro-F1 in percent, class by class from counts of single items."""
    scores = []
    for label in LABELS:
        right = sum(g == f == label for g, f in zip(gold, found, strict=True))
        either = gold.count(label) + found.count(label)
        if either:
            scores.append(2 * right / either)
    return 100 * sum(scores) / len(scores)


def gold_of(lines):
    return [
        label if isinstance(label := line["label"], str) else LABELS[label]
        for line in lines
    ]


@pytest.mark.parametrize("pairs", [True, False], ids=["pairs", "single"])
def test_effects_are_those_of_masked_forward_passes(model, files, tmp_path, pairs):
    result = run_sweep(model, files[pairs], tmp_path / "out", **SETTINGS)
    names = ["baseline", *cells(ZONES[pairs])]
    assert result.table["configuration"].tolist() == names

    lines = tiny_texts(pairs=pairs, num=17)
    gold = gold_of(lines)
    features = classification.features(
        classification.read(files[pairs]), model.tokenizer, {"max_seq_length": 61}
    )
    inputs = features.arrays(np.arange(17), 61)
    by_name = {}
    for name in names:
        with model.masked(name):
            found = model.predict_logits(inputs).argmax(axis=1)
        by_name[name] = [LABELS[row] for row in found]
        assert list(result.predictions[name].values()) == by_name[name]
    assert list(result.predictions["baseline"]) == [line["id"] for line in lines]
    accuracy = {
        name: 100 * np.mean([g == f for g, f in zip(gold, found, strict=True)])
        for name, found in by_name.items()
    }
    f1 = {name: macro_f1(gold, found) for name, found in by_name.items()}
    assert len(set(accuracy.values())) > 3
    assert len(set(f1.values())) > 3
    rows = result.table.to_dict("records")
    for row in rows:
        name = row["configuration"]
        assert row["accuracy"] == pytest.approx(accuracy[name])
        assert row["macro_f1"] == pytest.approx(f1[name])
        effect = accuracy[name] - accuracy["baseline"]
        assert row["accuracy_effect"] == pytest.approx(effect)
        assert row["macro_f1_effect"] == pytest.approx(f1[name] - f1["baseline"])


def test_files_and_table(swept):
    directory, result = swept
    names = {path.name for path in directory.iterdir()}
    files = {"predictions.json"} | {
        f"predictions_layer{layer}_{zone}.json"
        for layer in range(3)
        for zone in PAIR_ZONES
    }
    assert {name for name in names if name.startswith("predictions")} == files
    assert not [name for name in names if name.startswith("null_odds")]
    assert {"results.csv", "results.parquet", "heatmap.pdf", "run.json"} < names
    assert result.scores.num_items == 17


def test_a_killed_sweep_goes_on_to_the_same_bytes(
    swept, model, files, tmp_path, monkeypatch
):
    class Killed(Exception):
        pass

    def kill(progress):
        if progress.windows_done > 0:
            raise Killed

    with pytest.raises(Killed):
        run_sweep(model, files[True], tmp_path, on_progress=kill, **SETTINGS)
    assert not (tmp_path / "results.csv").exists()
    calls = count_calls(monkeypatch)
    run_sweep(model, files[True], tmp_path, **SETTINGS)
    assert 0 < len(calls)
    assert results(tmp_path) == results(swept[0])
    calls.clear()
    run_sweep(model, files[True], tmp_path, **SETTINGS)
    assert not calls


def test_shards_are_joined_to_the_same_bytes(swept, model, files, tmp_path):
    parts = [tmp_path / f"part{number}" for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        run_shard(
            model, files[True], part, f"{number}/2", model_name="random-1", **SETTINGS
        )
    merge_runs(parts, tmp_path / "out")
    assert results(tmp_path / "out") == results(swept[0])


def test_the_store_names_task_classes_and_data(swept, model):
    directory, result = swept
    with SweepStore(directory / STORE_FILE, read_only=True) as store:
        content = store.content(1)
        answers = store.answers(1, "layer1:cls2p")
    assert content["task"] == "classification"
    assert content["settings"] == {
        "semantics": "strict",
        "max_seq_length": 31,
        "token_budget": 150,
        "batch_size": None,
        "labels": list(LABELS),
    }
    texts = list(result.predictions["layer1:cls2p"].values())
    assert [one.text for one in answers] == texts
    assert all(one.score <= 0 for one in answers)
    [listed] = list_runs(directory)
    assert (listed.num_questions, len(listed.table)) == (17, 22)
    assert {"accuracy", "macro_f1_effect"} < set(export_table(directory).columns)
    run = read_run(directory)
    assert [score.name for score in run.scores] == ["accuracy", "macro_f1"]


def test_attention_is_kept_of_texts(model, files, tmp_path):
    run_sweep(
        model,
        files[True],
        tmp_path,
        attention_questions=3,
        controls=1,
        configurations=["layer1:q2", "layer1:cls2q"],
        **SETTINGS,
    )
    assert (tmp_path / "attention.csv").is_file()
    with SweepStore(tmp_path / STORE_FILE, read_only=True) as store:
        assert list(store.attention_examples(1)) == [0, 8, 16]
        words = store.attention_examples(1)[8].words
        assert "layer1:control1-cls2q" in store.finished(1)
        [masses, *_] = store.attention_masses(1).values()
        assert masses.shape == (3, 2, 8)
    table = pd.read_csv(tmp_path / "attention.csv")
    masked = model.network.reader.encoder
    dataset = classification.read(files[True])
    windows = classification.features(dataset, model.tokenizer, SETTINGS)
    shares = []
    for window, length in enumerate(windows.lengths):  # alone, unpadded, pair by pair
        inputs = windows.arrays([window], int(length))
        [weights] = to_numpy(masked.attention(inputs, (1,))[1])  # [N, T, T]
        from_cls = inputs["roles"][0] == Role.CLS
        to_first = inputs["roles"][0] == Role.QUESTION
        shares.append(weights[:, from_cls][:, :, to_first].sum() / (2 * length))
    found = table["attention_mass_cls2q"][1]
    assert found == pytest.approx(100 * np.mean(shares), abs=1e-3)
    first = tiny_texts(num=17)[8]["text"].split()
    assert [word for word, role in json.loads(words) if role == 3] == first


def test_what_masks_nothing_of_a_single_text(model, files):
    def planned(configurations):
        result = run_sweep(
            model, files[False], configurations=configurations, **SETTINGS
        )
        return result.table["configuration"].tolist()[1:]

    assert planned(["layer1:q2+p2"]) == ["layer1:p2+q2"]
    with pytest.raises(InputError, match="^Expected configurations") as caught:
        planned(["layer0:p2", "layer0:cls2q", "layer2:q2;layer1:p2q-text"])
    assert str(caught.value) == (
        "Expected configurations that mask attention between tokens of this data, "
        "whose roles are CLS, SEP, PASSAGE. Received: layer0:cls2q, "
        "layer1:p2q-text;layer2:q2. Leave them out."
    )


def test_labels_of_another_model_are_refused(model, tmp_path):
    lines = [*tiny_texts(num=5), {"text": "a", "text_pair": "b", "label": "maybe"}]
    path = write_lines(tmp_path / "texts.jsonl", lines)
    with pytest.raises(
        InputError,
        match="^Expected gold labels in .*texts.jsonl .* model: entailment, neutral, "
        'contradiction, or an index from 0 to 2. Received: "maybe" in 1 of 6',
    ):
        run_sweep(model, path, tmp_path / "out", **SETTINGS)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metric": "squad"}, "a metric of the task classification: auto, accuracy. R"),
        ({"doc_stride": 64}, "settings of the task classification. Received: doc_stri"),
        ({"semantics": "published"}, "task span alone. .*'classification'"),
    ],
)
def test_settings_of_spans_are_refused(model, files, settings, message):
    with pytest.raises(InputError, match=message):
        run_sweep(model, files[True], **SETTINGS | settings)


def test_a_span_reader_has_no_accuracy(files):
    with pytest.raises(InputError, match="task span: auto, squad, .*'accuracy'"):
        SweepSettings.of({"metric": "accuracy"}).for_data(span, None)


def test_a_plan_before_it_is_run(model, files):
    estimate = estimate_sweep(model, files[False], **SETTINGS)
    assert (estimate.num_windows, estimate.num_configurations) == (17, 10)


def test_a_model_does_not_differ_from_itself(model, files):
    dataset = classification.read(files[True])
    report = compare_precision(model, model, dataset, sample_size=5, **SETTINGS)
    assert (report.num_answers, report.num_different) == (5 * 22, 0)
    other = tiny_classifier(seed=5)
    report = compare_precision(other, model, dataset, sample_size=5, **SETTINGS)
    assert report.num_different > 0
    assert "5 pairs x 22 configurations; mean accuracy " in report.summary()


def load(source):
    return tiny_classifier(seed=int(source[-1]))


def test_several_models_and_their_comparison(swept, files, tmp_path):
    masked = ["layer0:p2", "layer1:q2", "layer1:cls2p"]
    result = run_sweeps(
        ["a/seed-1", "a/seed-5"],
        files[True],
        tmp_path / "runs",
        task="classification",
        load=load,
        configurations=masked,
        **SETTINGS,
    )
    table = swept[1].table.set_index("configuration")
    means = result.table.set_index("configuration")
    assert means.index.tolist() == ["baseline", *masked]
    other = run_sweep(load("5"), files[True], configurations=masked, **SETTINGS)
    other = other.table.set_index("configuration")
    for column in ("accuracy", "macro_f1", "accuracy_effect", "macro_f1_effect"):
        expected = (table[column] + other[column])[["baseline", *masked]] / 2
        np.testing.assert_allclose(means[column], expected.to_numpy())
    compared = compare_sweeps(tmp_path / "runs", swept[0])
    differences = compared.table.set_index("configuration")["accuracy_difference"]
    expected = (means["accuracy_effect"] - table["accuracy_effect"])[masked]
    np.testing.assert_allclose(differences[masked], expected, atol=1e-9)


def test_models_that_do_not_belong_together(files, tmp_path):
    labels = {"1": LABELS, "5": tuple(reversed(LABELS))}
    how = {"configurations": ["layer0:p2"], **SETTINGS}
    sources = ["a/seed-1", "a/seed-5"]
    with pytest.raises(
        InputError,
        match="the same classes, in the same order. Received: a/seed-1 and a/seed-5, "
        "with entailment, neutral, contradiction and contradiction, neutral, ent",
    ):
        run_sweeps(
            sources,
            files[True],
            tmp_path / "runs",
            task="classification",
            load=lambda source: tiny_classifier(int(source[-1]), labels[source[-1]]),
            **how,
        )
    with pytest.raises(InputError, match="task classification. Received: random-1, of"):
        run_sweeps(
            sources,
            files[True],
            tmp_path / "runs",
            task="classification",
            load=lambda source: tiny_model(int(source[-1])),
            **how,
        )
    assert not (tmp_path / "runs").exists()


def test_what_is_for_questions_alone_says_so(swept):
    with pytest.raises(InputError, match="^Grouping questions is for the task span"):
        group_table(swept[0], "question_type")


def test_the_public_names_take_classifiers(model, files):
    result = zonekeras.run_sweep(
        model, files[True], configurations="layer0:cls2q", **SETTINGS
    )
    assert len(result.table) == 2

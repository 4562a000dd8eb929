"""A whole sweep with a tiny reader, against an independent loop; stopping, going on."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.builders import tiny_model, tiny_squad, write_json
from tests.sweeping.sweeps import (
    CELLS,
    SETTINGS,
    TABLES,
    ZONES,
    count_calls,
    results,
)
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.machine import describe_machine
from zonekeras.metrics import evaluate, headline
from zonekeras.store.matrix import score_matrix
from zonekeras.store.protocol_csv import read_results_csv
from zonekeras.store.sweep_store import SweepStore
from zonekeras.sweeping import run_sweep
from zonekeras.zones import PROTOCOL_ZONES


def cell_file(name):
    return "predictions_" + name.replace(":", "_") + ".json"


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    """A dev file of 9 questions, most of them in several windows."""
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())


@pytest.fixture(scope="module")
def undisturbed(reader, dev, tmp_path_factory):
    """The directory and the result of a whole sweep that nothing disturbed."""
    directory = tmp_path_factory.mktemp("undisturbed") / "out"
    return directory, run_sweep(reader, dev, directory, **SETTINGS)


def answers_by_the_book(model, dataset, configuration, semantics="strict", **lengths):
    """Answers a dev set window by window, pair by pair."""
    features = build_features(dataset, model.tokenizer, **lengths)
    best = {}
    for window in range(features.num_windows):
        length = int(features.lengths[window])
        padded = lengths["max_seq_length"] if semantics == "published" else length
        inputs = features.arrays([window], padded)
        with model.masked(configuration, semantics):
            logits = model.predict_logits(inputs)[0]
        # Padding is ranked with the tokens under `published`, as in the original.
        start_logits, end_logits = logits[:padded].T.tolist()
        may_start = features.start_allowed([window], padded)[0]
        may_end = features.end_allowed([window], padded)[0]
        question = features.questions[features.question_index[window]].id
        passage = features.passages[
            features.passage_index[features.question_index[window]]
        ]
        null = start_logits[0] + end_logits[0]
        text, score, lowest = best.get(question, ("empty", -np.inf, np.inf))
        lowest = min(lowest, null)
        for start in sorted(range(padded), key=lambda t: -start_logits[t])[:20]:
            for end in sorted(range(padded), key=lambda t: -end_logits[t])[:20]:
                total = start_logits[start] + end_logits[end]
                if not (may_start[start] and may_end[end] and total > score):
                    continue
                if start <= end < start + 30:
                    span = features.character_spans([window], [start], [end])[0]
                    text, score = passage.text[span[0] : span[1]], total
        best[question] = (text, score, lowest)
    return best


@pytest.mark.parametrize("configuration", ["baseline", *CELLS])
def test_every_cell_is_what_a_loop_over_windows_finds(
    undisturbed, reader, dev, configuration
):
    _, result = undisturbed
    expected = answers_by_the_book(
        reader, read_squad(dev), configuration, max_seq_length=29, doc_stride=7
    )
    assert result.predictions[configuration] == {
        question: text for question, (text, _, _) in expected.items()
    }


def test_the_files_of_a_whole_sweep(undisturbed, dev):
    directory, result = undisturbed
    names = {path.name for path in directory.iterdir()}
    assert names == {
        "predictions.json",
        *map(cell_file, CELLS),
        *TABLES,
        *{"run.json", "sweep.sqlite", ".sweep.lock"},
    }
    assert list(result.predictions) == ["baseline", *CELLS]
    for name in CELLS:
        text = (directory / cell_file(name)).read_text()
        assert json.loads(text) == result.predictions[name]
        assert text == json.dumps(result.predictions[name], indent=4) + "\n"
    assert (directory / "heatmap.pdf").read_bytes().startswith(b"%PDF")
    assert (directory / "heatmap.png").read_bytes().startswith(b"\x89PNG")
    different = [
        name
        for name in CELLS
        if result.predictions[name] != result.predictions["baseline"]
    ]
    assert len(different) >= 10  # or nothing here would show a mask that is not set


def test_the_tables_of_a_whole_sweep(undisturbed, dev):
    directory, result = undisturbed
    dataset = read_squad(dev)
    scores = {
        name: headline(evaluate(dataset, predictions))
        for name, predictions in result.predictions.items()
    }
    assert len({f1 for _, f1 in scores.values()}) > 5
    table = pd.read_parquet(directory / "results.parquet")
    assert table["configuration"].tolist() == ["baseline", *CELLS]
    assert table["exact_match"].tolist() == pytest.approx(
        [exact_match for exact_match, _ in scores.values()]
    )
    assert table["f1"].tolist() == pytest.approx([f1 for _, f1 in scores.values()])
    base = scores["baseline"][1]
    effects = [f1 - base for _, f1 in scores.values()]
    assert table["f1_effect"].tolist() == pytest.approx(effects)
    assert table["model"].unique().tolist() == ["random-0"]
    assert table["dataset"].unique().tolist() == ["dev.json"]
    assert table["semantics"].unique().tolist() == ["strict"]
    pd.testing.assert_frame_equal(
        table, result.table, check_dtype=False, check_column_type=False
    )
    csv = read_results_csv(directory / "results.csv")
    assert csv == {
        (layer, zone): pytest.approx(scores[f"layer{layer}:{zone}"][0], abs=5e-4)
        for layer in range(3)
        for zone in ZONES
    }
    assert result.baseline.by_name["f1"] == pytest.approx(base)
    assert (result.is_whole, result.num_layers) == (True, 3)


def test_spellings_are_one_configuration_and_the_baseline_comes_first(reader, dev):
    result = run_sweep(
        reader,
        dev,
        configurations=["Layer1 : P2+Q2", "layer1:q2+p2", "", "baseline"],
        **SETTINGS,
    )
    assert list(result.predictions) == ["baseline", "layer1:p2+q2"]
    assert result.table["configuration"].tolist() == ["baseline", "layer1:p2+q2"]
    assert result.table["zone"].isna().all()
    assert not result.is_whole


@pytest.mark.parametrize(
    "configuration",
    ["layer1.head1:p2", "layers0-1:p2q", "all-layers:q2p", "layer0:only-p2"]
    + ["layer0.head0:all;layer2:p2"],
)
def test_heads_layers_and_only(reader, dev, configuration):
    result = run_sweep(reader, dev, configurations=[configuration], **SETTINGS)
    expected = answers_by_the_book(
        reader, read_squad(dev), configuration, max_seq_length=29, doc_stride=7
    )
    predictions = result.predictions[configuration]
    assert predictions == {key: text for key, (text, _, _) in expected.items()}
    assert predictions != result.predictions["baseline"]


def test_published_semantics_pads_every_window(reader, dev, monkeypatch):
    calls = count_calls(monkeypatch)
    names = ["layer0:all", "layer2:p2"]
    settings = SETTINGS | {"semantics": "published"}
    result = run_sweep(reader, dev, configurations=names, **settings)
    assert {length for _, _, length in calls} == {29}
    assert {rows for _, rows, _ in calls} > {5}
    for name in ["baseline", *names]:
        expected = answers_by_the_book(
            reader, read_squad(dev), name, "published", max_seq_length=29, doc_stride=7
        )
        assert result.predictions[name] == {
            key: text for key, (text, _, _) in expected.items()
        }
    strict = run_sweep(reader, dev, configurations=names, **SETTINGS)
    assert strict.predictions["layer0:all"] != result.predictions["layer0:all"]
    assert strict.predictions["layer2:p2"] == result.predictions["layer2:p2"]
    assert set(result.table["semantics"]) == {"published"}


def test_questions_without_an_answer(reader, tmp_path):
    dev = write_json(tmp_path / "dev.json", tiny_squad(with_impossible=True))
    out = tmp_path / "out"
    settings = SETTINGS | {"null_score_diff_threshold": -0.5}
    result = run_sweep(reader, dev, out, configurations=["layer1:p2q"], **settings)
    for name, suffix in (("baseline", ""), ("layer1:p2q", "_layer1_p2q")):
        expected = answers_by_the_book(
            reader, read_squad(dev), name, max_seq_length=29, doc_stride=7
        )
        odds = {key: null - score for key, (_, score, null) in expected.items()}
        texts = {
            key: "" if odds[key] > -0.5 else text
            for key, (text, _, _) in expected.items()
        }
        assert result.predictions[name] == texts
        assert 0 < sum(text == "" for text in texts.values()) < len(texts)
        stored = json.loads((out / f"null_odds{suffix}.json").read_text())
        assert stored == pytest.approx(odds, abs=1e-4)
    v2 = headline(evaluate(read_squad(dev), result.predictions["baseline"]))
    assert tuple(result.baseline.by_name.values()) == pytest.approx(v2)


def test_parts_make_a_whole(reader, dev, undisturbed, tmp_path):
    out = tmp_path / "out"
    first = run_sweep(reader, dev, out, configurations=CELLS[7:], **SETTINGS)
    whole = read_results_csv(undisturbed[0] / "results.csv")
    part = read_results_csv(out / "results.csv")
    assert list(part) == list(whole)[7:]
    assert part.items() < whole.items()
    assert list(first.predictions) == ["baseline", *CELLS[7:]]
    second = run_sweep(reader, dev, out, configurations=CELLS[:7], **SETTINGS)
    assert list(second.predictions) == ["baseline", *CELLS[:7]]
    assert results(out) == results(undisturbed[0])


def test_a_part_run_again_takes_nothing_away(reader, dev, undisturbed, tmp_path):
    out = tmp_path / "out"
    run_sweep(reader, dev, out, **SETTINGS)
    run_sweep(reader, dev, out, configurations=["layer1:p2"], **SETTINGS)
    assert results(out) == results(undisturbed[0])


@pytest.mark.parametrize("batches", [0, 1, 4])
def test_a_stopped_sweep_goes_on(
    reader, dev, undisturbed, tmp_path, monkeypatch, batches
):
    out = tmp_path / "out"

    class Stop(Exception):
        pass

    def stop(progress):
        if progress.windows_done >= windows_in(batches):
            raise Stop

    calls = count_calls(monkeypatch)
    run_sweep(reader, dev, **SETTINGS)
    every = calls.copy()
    calls.clear()

    def windows_in(num_batches):
        return sum(rows for _, rows, _ in every[:num_batches])

    with pytest.raises(Stop):
        run_sweep(reader, dev, out, on_progress=stop, **SETTINGS)
    with SweepStore(out / "sweep.sqlite") as store:
        assert store.finished(1) == []
        chunks = store.chunks(1)
    expected = {name: set(range(batches)) for name in ["baseline", *CELLS]}
    assert chunks == (expected if batches else {})
    calls.clear()
    seen = []
    run_sweep(reader, dev, out, on_progress=seen.append, **SETTINGS)
    assert calls == every[batches:]
    assert {item.windows_kept for item in seen} == {windows_in(batches)}
    assert results(out) == results(undisturbed[0])
    calls.clear()
    run_sweep(reader, dev, out, **SETTINGS)
    assert calls == []
    assert results(out) == results(undisturbed[0])


def test_cells_that_are_added_run_alone(reader, dev, tmp_path, monkeypatch):
    calls = count_calls(monkeypatch)
    run_sweep(reader, dev, tmp_path, configurations=CELLS[:2], **SETTINGS)
    assert {tuple(names) for names, _, _ in calls} == {("baseline", *CELLS[:2])}
    calls.clear()
    run_sweep(reader, dev, tmp_path, configurations=CELLS[1:3], **SETTINGS)
    assert {tuple(names) for names, _, _ in calls} == {(CELLS[2],)}


def test_the_mask_of_the_model_plays_no_part(reader, dev, undisturbed):
    reader.mask("layer2:q2")
    try:
        result = run_sweep(reader, dev, configurations=CELLS[:1], **SETTINGS)
        assert str(reader.configuration) == "layer2:q2"
    finally:
        reader.unmask()
    for name in ("baseline", CELLS[0]):
        assert result.predictions[name] == undisturbed[1].predictions[name]


def test_progress_counts_windows(reader, dev, monkeypatch):
    calls = count_calls(monkeypatch)
    seen = []
    run_sweep(
        reader,
        dev,
        configurations=["layer0:q2"],
        on_progress=seen.append,
        **SETTINGS,
    )
    done = np.cumsum([0, *(rows for _, rows, _ in calls)]).tolist()
    assert [item.windows_done for item in seen] == done
    assert {item.num_windows for item in seen} == {done[-1]}
    assert [item.finished for item in seen] == [False] * len(calls) + [True]
    assert {(item.num_configurations, item.windows_kept) for item in seen} == {(2, 0)}
    assert (seen[0].seconds_left, seen[0].windows_per_second) == (None, None)
    assert all(item.seconds_left > 0 for item in seen[1:-1])
    assert seen[-1].seconds_left == pytest.approx(0, abs=1e-6)
    assert all(item.windows_per_second > 0 for item in seen[1:])


# pytest.warns shows warnings that NumPy else keeps to itself.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_what_decides_the_answers_starts_another_run(reader, dev, tmp_path):
    out = tmp_path / "out"
    names = ["layer0.head1:p2"]  # no cell, so that no heatmap is drawn each time

    def run(model=reader, data=dev, **changes):
        asked = {"configurations": names, "overwrite": True}
        return run_sweep(model, data, out, **asked, **SETTINGS | changes)

    def number_of_runs():
        with SweepStore(out / "sweep.sqlite") as store:
            return len(store.runs())

    first = run()
    before = results(out)
    changed = tiny_squad()
    changed["data"][0]["paragraphs"][0]["qas"][0]["question"] += " Which river?"
    other_dev = write_json(tmp_path / "dev.json", changed)
    for index, change in enumerate(
        (
            {"model": tiny_model(seed=1)},
            {"model": tiny_model(layer_norm_epsilon=1e-3)},
            {"data": other_dev},
            {"max_seq_length": 31},
            {"doc_stride": 9},
            {"max_query_length": 3},
            {"max_answer_length": 2},
            {"n_best_size": 3},
            {"semantics": "published"},
            {"batch_size": 2},
            {"token_budget": 99},
            {"version_2_with_negative": True},
        )
    ):
        with pytest.warns(UserWarning, match="with another model, data or settings"):
            again = run(**change)
        assert number_of_runs() == index + 2
        fresh = run_sweep(
            change.get("model", reader),
            change.get("data", dev),
            configurations=names,
            **SETTINGS
            | {key: change[key] for key in change if key not in ("model", "data")},
        )
        assert again.predictions == fresh.predictions
    assert {"null_odds.json", "null_odds_layer0.head1_p2.json"} <= set(results(out))
    with pytest.warns(UserWarning, match="5 files of a sweep with another model"):
        assert run().predictions == first.predictions
    assert number_of_runs() == 13
    assert results(out) == before


def test_the_metric_is_no_part_of_the_run(reader, dev, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run_sweep(reader, dev, out, configurations=["layer0:p2"], **SETTINGS)
    calls = count_calls(monkeypatch)
    run_sweep(reader, dev, out, configurations=[], metric="squad_v2", **SETTINGS)
    assert calls == []


def test_very_long_configurations_have_files_of_their_own(dev, tmp_path):
    many_heads = tiny_model(num_heads=7)
    clauses = [
        f"layer{layer}.head{head}:{['q2', 'p2', 'p2q'][(layer + head) % 3]}"
        for layer in range(3)
        for head in range(7)
    ]
    names = [";".join(clauses), ";".join(clauses[1:])]
    result = run_sweep(many_heads, dev, tmp_path, configurations=names, **SETTINGS)
    paths = list(tmp_path.glob("predictions_*.json"))
    assert min(map(len, names)) > 255
    assert max(len(path.name) for path in paths) <= 216
    written = [json.loads(path.read_text()) for path in paths]
    expected = [result.predictions[name] for name in names]
    assert written in (expected, expected[::-1])
    assert written[0] != written[1]


def test_nothing_is_written_when_something_is_wrong(reader, dev, tmp_path):
    out = tmp_path / "deep" / "out"
    for settings, message in (
        ({"max_seq_length": 62}, "max_seq_length of at most 61, which is what this"),
        ({"max_seq_length": 8}, "expected max_seq_length to be at least"),
        ({"configurations": ["layer3:q2"]}, "Expected layers 0 to 2 and heads 0 to 1"),
        ({"configurations": ["q2"]}, "of which 'q2' is not a clause"),
        ({"doc_stride": 0}, "doc_stride=0 is not a whole number above 0"),
        ({"stride": 3}, "stride is not a setting"),
    ):
        with pytest.raises(InputError, match=message):
            run_sweep(reader, dev, out, **SETTINGS | settings)
    without = tiny_squad(with_impossible=True)
    path = write_json(tmp_path / "v2.json", without)
    with pytest.raises(InputError, match="3 of 9 questions without one, the first"):
        run_sweep(reader, path, out, metric="squad", **SETTINGS)
    assert [item.name for item in tmp_path.iterdir()] == ["v2.json"]


def test_logits_that_are_no_numbers_stop_the_sweep(reader, dev, tmp_path, monkeypatch):
    head = reader.network.head
    monkeypatch.setattr(
        reader.network, "head", lambda *states: head(*states) * np.float32(np.nan)
    )
    with pytest.raises(
        InputError, match="expected finite logits. Received: NaN or"
    ) as e:
        run_sweep(reader, dev, tmp_path, configurations=[], **SETTINGS)
    assert str(e.value).endswith(f" Machine: {describe_machine()}.")
    assert "predictions.json" not in results(tmp_path)
    monkeypatch.undo()
    run_sweep(reader, dev, tmp_path, configurations=[], **SETTINGS)
    assert "predictions.json" in results(tmp_path)


def test_the_record_of_the_run(undisturbed, reader, dev):
    directory, _ = undisturbed
    record = json.loads((directory / "run.json").read_text())
    assert record["model"] == "random-0"
    assert record["dataset"] == str(dev)
    assert record["configurations"] == ["baseline", *CELLS]
    assert record["settings"] | SETTINGS == record["settings"]
    assert record["settings"]["metric"] == "squad"
    assert record["settings"]["semantics"] == "strict"
    assert record["fingerprints"]["weights"] == reader.fingerprint()


def test_the_cells_are_the_protocols_zones_in_its_order():
    assert list(PROTOCOL_ZONES) == ZONES


def test_other_zones_are_swept_beside_the_protocols(reader, dev, undisturbed, tmp_path):
    """A table of five zones is as it was, and beside the one of more it is read."""
    asked = ["layer0:cls2q", "layer2:q2p-text", "layer1.head1:cls2p", *CELLS]
    settings = {**SETTINGS, "controls": 1, "attention_questions": 2}
    result = run_sweep(reader, dev, tmp_path, configurations=asked, **settings)
    lengths = {key: SETTINGS[key] for key in ("max_seq_length", "doc_stride")}
    for name in asked[:3]:
        answers = answers_by_the_book(reader, read_squad(dev), name, **lengths)
        expected = {question: text for question, (text, *_) in answers.items()}
        assert result.predictions[name] == expected
        written = cell_file(name)
        assert json.loads((tmp_path / written).read_text()) == expected
    five = read_results_csv(undisturbed[0] / "results.csv")
    more = read_results_csv(tmp_path / "results.csv")
    assert set(more) - set(five) == {(0, "cls2q"), (2, "q2p-text")}
    assert {cell: more[cell] for cell in five} == five
    header = (tmp_path / "results.csv").read_text().splitlines()[0]
    assert header == "layer,all,q2,q2p,p2q,p2,cls2q,q2p-text"
    table = result.table.set_index("configuration")
    assert str(table.loc["layer0:cls2q", "zone"]) == "cls2q"
    assert 0 < table.loc["layer0:cls2q", "control_overlap"] < 1
    assert "layer0:control1-cls2q" in result.predictions
    assert np.isnan(table.loc["layer0:cls2q", "attention_mass"])
    assert list(score_matrix(result).columns) == [*ZONES, "cls2q", "q2p-text"]
    assert list(score_matrix(five).columns) == ZONES
    # Asked for the protocol's zones alone, it keeps what it knows of the others.
    run_sweep(reader, dev, tmp_path, configurations=CELLS, **settings)
    again = pd.read_parquet(tmp_path / "results.parquet").set_index("configuration")
    pd.testing.assert_frame_equal(again.loc[table.index], table, check_dtype=False)


@pytest.mark.parametrize("semantics", ["strict", "published"])
def test_one_answer_is_the_sweeps(reader, dev, semantics):
    settings = {key: SETTINGS[key] for key in ("max_seq_length", "doc_stride")}
    result = run_sweep(
        reader, dev, configurations="all-layers:all", semantics=semantics, **settings
    )
    answered = {}
    with reader.masked("all-layers:all", semantics):
        for passage in read_squad(dev).passages:
            for question in passage.questions:
                answer = reader.answer(question.text, passage.text, **settings)
                answered[question.id] = answer.text
    assert answered == result.predictions["all-layers:all"]

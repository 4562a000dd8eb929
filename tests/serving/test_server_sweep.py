"""Sweeps through a server: the same tables and files, and nothing lost when it goes."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.builders import tiny_squad, write_json
from tests.serving.rest_stand_in import serve
from tests.serving.toy_reader import NUM_LAYERS, ToyReader, answer_one
from tests.sweeping.sweeps import CELLS, TABLES, results
from zonekeras.analysis.listing import list_runs
from zonekeras.data.squad import read_squad
from zonekeras.downloading.http_files import Patience
from zonekeras.errors import InputError
from zonekeras.metrics import score_questions
from zonekeras.serving import Client, ServerError, server_sweep

QUICK = Patience(num_attempts=2, wait_seconds=0.0, timeout_seconds=10.0)
SOME = ["layer1:p2q", "all-layers:q2+p2", "layer0.head1:q2"]


@pytest.fixture
def server():
    with serve(ToyReader()) as running:
        yield running


@pytest.fixture
def client(server):
    with Client(server.url, "reader", patience=QUICK, max_rows=5) as client:
        yield client


@pytest.fixture
def dev(tmp_path):
    return write_json(tmp_path / "dev.json", tiny_squad(num_passages=5))


def expected(dev, names, weight=1):
    """What the reader answers when it is asked without a server."""
    return {
        name: {
            question.id: answer_one(question.text, passage.text, name, weight)["answer"]
            for passage in read_squad(dev).passages
            for question in passage.questions
        }
        for name in names
    }


def test_all_cells_with_files(client, dev, tmp_path):
    found = client.sweep(dev, tmp_path / "out")
    answers = expected(dev, ["baseline", *CELLS])
    assert found.predictions == answers
    assert found.is_whole
    assert len(set(map(str, answers.values()))) > 10  # masks do make a difference
    dataset = read_squad(dev)
    for row in found.table.to_dict("records"):
        exact, f1 = score_questions(dataset, answers[row["configuration"]], "squad")
        assert row["exact_match"] == 100 * np.mean(exact)
        assert row["f1"] == 100 * np.mean(f1)
    assert set(found.table["model"]) == {"reader"}
    files = results(tmp_path / "out")
    assert TABLES <= files.keys()
    assert json.loads(files["predictions_layer1_p2q.json"]) == answers["layer1:p2q"]


def test_other_configurations(client, dev, tmp_path):
    found = client.sweep(dev, configurations=SOME)
    names = ["baseline", "layer1:p2q", "all-layers:p2+q2", "layer0.head1:q2"]
    assert list(found.predictions) == names
    assert found.predictions == expected(dev, names)


def test_progress_counts_questions(client, dev):
    seen = []
    client.sweep(dev, configurations=SOME, on_progress=seen.append)
    assert [at.windows_done for at in seen] == [0, 8, 16, 20]
    assert {at.num_windows for at in seen} == {20}
    assert {at.num_configurations for at in seen} == {4}


def test_a_server_that_goes_away_costs_one_group(client, server, dev, tmp_path):
    whole = client.sweep(dev, tmp_path / "whole", configurations=SOME)
    calls = []

    def fail_in_the_second_group(at):
        calls.append(at.windows_done)
        if at.windows_done == 8:
            server.codes = [503, 503]

    with pytest.raises(ServerError, match="HTTP 503"):
        client.sweep(
            dev,
            tmp_path / "out",
            configurations=SOME,
            on_progress=fail_in_the_second_group,
        )
    server.model.calls.clear()
    kept = []
    again = client.sweep(
        dev,
        tmp_path / "out",
        configurations=SOME,
        on_progress=lambda at: kept.append(at.windows_kept),
    )
    assert kept[0] == 8
    # 6 probes of 8 to 20 questions, then 12 questions under 4 configurations.
    asked = sum(rows for _, rows in server.model.calls)
    assert asked == 6 * 8 + 4 * 12
    assert again.predictions == whole.predictions
    assert results(tmp_path / "out") == results(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")
def test_another_model_of_the_same_name_is_another_run(client, server, dev, tmp_path):
    client.sweep(dev, tmp_path / "out", configurations=SOME)
    server.model.weight = 2
    with pytest.raises(InputError, match="files of another sweep"):
        client.sweep(dev, tmp_path / "out", configurations=SOME)
    with pytest.warns(UserWarning, match="files of a sweep with another model, data"):
        found = client.sweep(dev, tmp_path / "out", configurations=SOME, overwrite=True)
    assert found.predictions == expected(dev, list(found.predictions), weight=2)
    assert len(list_runs(tmp_path / "out")) == 2


@pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")
def test_answers_of_an_earlier_version_are_not_reused(
    client, server, dev, tmp_path, monkeypatch
):
    """They may come from a graph that the server no longer has."""
    with monkeypatch.context() as patched:
        patched.setattr(server_sweep, "_VERSION", 1)
        before = client.sweep(dev, tmp_path / "out", configurations=SOME)
    server.model.calls.clear()
    with pytest.warns(UserWarning) as caught:
        again = client.sweep(dev, tmp_path / "out", configurations=SOME, overwrite=True)
    said = [str(one.message) for one in caught if one.category is UserWarning]
    assert "its answers are those of another version of zonekeras, and" in said[0]
    assert "files of a sweep with another model, data or settings, or" in said[1]
    # 6 probes of 8 questions, then 20 questions under 4 configurations.
    assert sum(rows for _, rows in server.model.calls) == 6 * 8 + 20 * 4
    assert again.predictions == before.predictions
    assert len(list_runs(tmp_path / "out")) == 2


def test_the_version_is_fixed_at_the_start(client, server, dev):
    server.states = {4: "AVAILABLE", 5: "LOADING"}
    client.sweep(dev, configurations=SOME)
    predictions = [path for method, path, _ in server.requests if method == "POST"]
    assert set(predictions) == {"/v1/models/reader/versions/4:predict"}


def test_a_question_that_cannot_be_answered_is_named(client, dev, tmp_path):
    with pytest.raises(
        InputError,
        match="^question 'passage0-question0' under layer0.head7:q2: expected an answer"
        ".*Expected layers 0 to 2 and heads 0 to 1",
    ):
        client.sweep(dev, tmp_path / "out", configurations=["layer0.head7:q2"])


def test_no_answer_where_the_null_score_leads(client, tmp_path):
    content = tiny_squad(with_impossible=True, num_passages=5)
    dev = write_json(tmp_path / "dev.json", content)
    found = client.sweep(
        dev, configurations=["layer1:q2"], null_score_diff_threshold=-1.0
    )
    for name, predictions in found.predictions.items():
        for passage in read_squad(dev).passages:
            for question in passage.questions:
                row = answer_one(question.text, passage.text, name)
                empty = row["null_score"] - row["score"] > -1.0
                assert predictions[question.id] == ("" if empty else row["answer"])
    assert {"", *found.predictions["baseline"].values()} != {""}


def with_no_span(outputs, score):
    """Outputs as they come for a row without an answer, in every row."""
    rows = len(outputs["start"])
    return outputs | {
        "answer": [""] * rows,
        "start": [-1] * rows,
        "end": [-1] * rows,
        "score": [score] * rows,
    }


def test_a_row_without_a_valid_span(client, server, dev):
    call = server.model.call
    lowest = float(np.finfo(np.float32).min)
    server.model.call = lambda *what: with_no_span(call(*what), lowest)
    found = client.sweep(dev, configurations=["layer1:q2"])
    # As the original script writes it for SQuAD 1.1.
    assert {*found.predictions["layer1:q2"].values()} == {"empty"}


def test_an_export_that_may_say_no_answer(client, server, tmp_path, dev):
    call = server.model.call
    server.model.call = lambda *what: with_no_span(call(*what), 0.5)
    with pytest.raises(
        InputError, match='Received: "no answer"; export the model without `version_2'
    ):
        client.sweep(dev)
    content = tiny_squad(with_impossible=True)
    other = write_json(tmp_path / "v2.json", content)
    found = client.sweep(other, configurations=["layer1:q2"])
    assert {*found.predictions["layer1:q2"].values()} == {""}


def test_offsets_that_do_not_fit_are_a_fault_of_the_server(client, server, dev):
    call = server.model.call

    def shifted(signature, inputs):
        outputs = call(signature, inputs)
        return outputs | {"start": [start + 1 for start in outputs["start"]]}

    server.model.call = shifted
    with pytest.raises(ServerError, match="which is not there; export the model with"):
        client.sweep(dev)


BAD = [
    (
        {"max_seq_length": 384},
        "all others are fixed by the export. Received: max_seq_l",
    ),
    ({"metric": "bleu"}, "metric='bleu' is not one of"),
    ({"configurations": ["layer9:q2"]}, f"Expected layers 0 to {NUM_LAYERS - 1} "),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value))
def test_what_cannot_be_used_is_refused_before_anything_is_written(
    client, dev, tmp_path, arguments, message
):
    with pytest.raises(InputError, match=message):
        client.sweep(dev, tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_the_listing_reads_such_a_run(client, dev, tmp_path, capsys):
    from cli import results as command

    client.sweep(dev, tmp_path / "out", configurations=SOME)
    assert command.main([str(tmp_path / "out")]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "reader on" in first
    assert "strict, unknown tokens, as served on TensorFlow Serving" in first
    table = pd.read_parquet(tmp_path / "out" / "results.parquet")
    assert list(table["configuration"])[0] == "baseline"


def test_such_runs_are_compared(client, dev, tmp_path, capsys):
    from cli import compare as command

    sides = [str(tmp_path / name) for name in ("first", "second")]
    for side in sides:
        client.sweep(dev, side, configurations=SOME)
    assert command.main(sides) == 0
    printed = capsys.readouterr().out
    assert f"{sides[0]} (1 run) minus {sides[1]}" in printed
    assert "layer0.head1:q2: EM +0.00 (+0.00 to +0.00)" in printed


def test_scores_that_are_no_numbers_are_a_fault_of_the_server(client, server, dev):
    call = server.model.call

    def broken(signature, inputs):
        outputs = call(signature, inputs)
        return outputs | {"score": [float("nan")] * len(outputs["score"])}

    server.model.call = broken
    with pytest.raises(ServerError, match="expected finite scores. Received: nan and"):
        client.sweep(dev, configurations=["layer1:q2"])

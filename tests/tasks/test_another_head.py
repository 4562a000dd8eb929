"""A sweep of a toy task: one label for each window, read off CLS.

Each question is "yes" or "no"; so is each of its windows, and a question is "yes" if
the surest of them is. A record is one float, the lead of "yes".
"""

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import tiny_model, tiny_squad, write_json
from tests.reporting.stores import FOUND, write_store
from tests.scores import ACCURACY
from tests.sweeping.sweeps import SETTINGS, count_calls
from zonekeras.analysis.joining import read_run
from zonekeras.analysis.question_groups import group_table
from zonekeras.analysis.run_task import task_of
from zonekeras.errors import InputError
from zonekeras.models.network import KerasNetwork
from zonekeras.models.zone_model import ZoneModel
from zonekeras.reporting.payload import build_payload
from zonekeras.store.output_directory import RESULTS_PARQUET
from zonekeras.store.sweep_store import STORE_FILE, StoredAnswer, SweepStore
from zonekeras.store.tidy import read_table
from zonekeras.sweeping import run_sweep, run_sweeps
from zonekeras.sweeping.precision import compare_precision
from zonekeras.tasks import span
from zonekeras.tasks.task import Head, Readout
from zonekeras.zones import Zone

ZONES = (Zone.CLS2Q, Zone.P2)


class PooledNetwork(KerasNetwork):
    """Its logits are those of the first token, [B, 2]."""

    def head(self, hidden, roles):
        return super().head(hidden, roles)[:, 0]


def decode(logits, features, windows, settings):
    return [(one[:, 0] - one[:, 1]).astype("<f4").tobytes() for one in logits]


def answers(dataset, records, settings):
    leads = np.frombuffer(records.content, "<f4")
    found = []
    for row in range(len(span.item_ids(dataset))):
        own = leads[records.items == row]
        lead = float(own[np.abs(own).argmax()])
        text = "yes" if lead > 0 else "no"
        found.append(StoredAnswer(text, -1, -1, lead, 0.0, 0.0))
    return found


def score(dataset, predicted, metric):
    return [np.array([float(text == "yes") for text in predicted.values()])]


@pytest.fixture
def toy(monkeypatch):
    changes = {
        "SCORES": (ACCURACY,),
        "ZONES": ZONES,
        "HEAD": Head(Readout.POOLED, 2),
        "decode": decode,
        "answers": answers,
        "score": score,
    }
    for name, value in changes.items():
        monkeypatch.setattr(span, name, value)


@pytest.fixture
def dev(tmp_path):
    return write_json(tmp_path / "dev.json", tiny_squad())


@pytest.fixture
def model():
    reader = tiny_model()
    network = PooledNetwork(reader.network.reader)
    return ZoneModel(network, reader.tokenizer, reader.description)


@pytest.mark.usefixtures("toy")
def test_a_pooled_head_is_swept_and_resumed(model, dev, tmp_path, monkeypatch):
    result = run_sweep(model, dev, tmp_path / "out", **SETTINGS)
    names = [f"layer{layer}:{zone}" for layer in range(3) for zone in ZONES]
    assert result.table["configuration"].tolist() == ["baseline", *names]
    table = read_table(tmp_path / "out" / RESULTS_PARQUET)
    assert {"accuracy", "accuracy_effect", "broken"} <= set(table.columns)
    assert "f1" not in table.columns

    dataset = span.read(dev)
    features = span.features(
        dataset, model.tokenizer, SETTINGS | {"max_query_length": 64}
    )
    windows = np.arange(len(features.lengths))
    for name in ("baseline", "layer2:cls2q", "layer0:p2"):
        with model.masked(name):
            logits = model.network.logits(features.arrays(windows, 29))[:, 0]
        leads = logits[:, 0] - logits[:, 1]
        for row, item in enumerate(span.item_ids(dataset)):
            own = leads[features.item_index == row]
            sure = own[np.abs(own).argmax()]
            assert result.predictions[name][item] == ("yes" if sure > 0 else "no")

    calls = count_calls(monkeypatch)
    again = run_sweep(model, dev, tmp_path / "out", **SETTINGS)
    assert not calls
    assert again.predictions == result.predictions


@pytest.mark.usefixtures("toy")
def test_logits_of_another_head_are_refused(dev, monkeypatch):
    monkeypatch.setattr(span, "HEAD", Head(Readout.POOLED, 3))
    with pytest.raises(ValueError, match="^expected logits of Head.*width=3.*Received"):
        run_sweep(tiny_model(), dev, **SETTINGS)


@pytest.fixture
def tagger():
    model = tiny_model()
    model.network.task = "tagging"
    return model


@only_tensorflow
def test_another_task_has_no_saved_model(tagger, tmp_path):
    with pytest.raises(InputError, match="^A SavedModel is for the task span alone"):
        tagger.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_task_is_refused_where_spans_are_meant(tagger, dev, tmp_path):
    with pytest.raises(InputError, match="^answer is for the task span alone"):
        tagger.answer("Who?", "Ann.")
    with pytest.raises(InputError, match="^Expected a task of span.*'tagging'"):
        run_sweep(tagger, dev, tmp_path / "out", **SETTINGS)
    with pytest.raises(InputError, match="^Expected models of the task span.*tagging"):
        run_sweeps(
            ["a", "b"], dev, tmp_path / "out", load=lambda source: tagger, **SETTINGS
        )
    with pytest.raises(InputError, match="^Expected a task of span.*'tagging'"):
        compare_precision(tagger, tagger, span.read(dev), **SETTINGS)
    assert not (tmp_path / "out").exists()


def test_a_store_of_another_task_is_read_by_what_knows_it(tmp_path):
    write_store(tmp_path)
    with SweepStore(tmp_path / STORE_FILE) as store:
        content = store.content(1) | {"task": "tagging"}
        run = store.run(content, store.data(1), store.description(1))
        store.put(run, "baseline", FOUND["baseline"])
        store.put(run, "layer0:q2", FOUND["layer0:q2"])
        assert task_of(store, 1) is span
        with pytest.raises(InputError, match="^Expected a task of span.*'tagging'"):
            task_of(store, run)
        with pytest.raises(
            InputError, match="^A report is for the tasks span and class"
        ):
            build_payload(store, run, {})
    with pytest.raises(InputError, match="^Grouping questions is for the task span"):
        group_table(tmp_path, "question_type")
    with pytest.raises(InputError, match="^Expected a task of span.*'tagging'"):
        read_run(tmp_path)

"""A sweep of a toy task: one label for each window, read off CLS.

Each question is "yes" or "no"; so is each of its windows, and a question is "yes" if
the surest of them is. A record is one float, the lead of "yes".
"""

import numpy as np
import pytest

from tests.builders import tiny_model, tiny_squad, write_json
from tests.scores import ACCURACY
from tests.sweeping.sweeps import SETTINGS, count_calls
from zonekeras.errors import InputError
from zonekeras.models.network import KerasNetwork
from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.output_directory import RESULTS_PARQUET
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.store.tidy import read_table
from zonekeras.sweeping import run_sweep
from zonekeras.tasks import span
from zonekeras.tasks.task import Head, Readout
from zonekeras.zones import Zone

ZONES = (Zone.CLS2Q, Zone.P2)


class PooledNetwork(KerasNetwork):
    """Its logits are those of the first token, [B, 2]."""

    def head(self, hidden):
        return super().head(hidden)[:, 0]


def decode(logits, features, windows, settings):
    assert span.HEAD.fits(logits.shape[1:], len(windows), length=0)
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


def test_another_task_is_refused_where_spans_are_meant(model, tmp_path):
    model.network.task = "tagging"
    with pytest.raises(InputError, match="^A SavedModel is for the task span alone"):
        model.export(tmp_path / "model")
    assert not (tmp_path / "model").exists()

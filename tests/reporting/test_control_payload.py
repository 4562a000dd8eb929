"""Controls, attention masses and examples in the data of a report."""

import base64
import json
import zlib

import numpy as np
import pytest

from tests.reporting.stores import FOUND, HOSTILE, answers, write_store
from zonekeras.reporting import attention_payload as attention
from zonekeras.reporting.payload import build_payload
from zonekeras.store.sweep_store import (
    STORE_FILE,
    StoredAttention,
    StoredBatch,
    StoredExample,
    SweepStore,
)

WORDS = [["[CLS]", 1], [HOSTILE, 3], ["[SEP]", 2], ["Ann", 4], ["met", 4]]
OVERLAPS = {"all": 1.0, "q2": 0.1, "q2p": 0.2, "p2q": 0.15, "p2": 0.8}
# Layers x heads x zones (q2, q2p, p2q, p2).
MASSES = np.arange(24).reshape(2, 3, 4) / 100
CONTROLLED = FOUND | {
    "layer0:p2": answers(third="May"),
    "layer1:q2": answers(fourth="Ann met"),
    "layer1:control1-p2q": answers(first="met"),
    "layer1:control2-p2q": answers(),
}


def weights_of(seed):
    return np.random.default_rng(seed).integers(0, 64, (2, 3, 5, 5)).astype(np.uint8)


def write_controlled_store(directory, num_examples=3):
    """Writes a store with controls, masses of two batches, and examples."""
    key = write_store(directory, CONTROLLED, planned=list(CONTROLLED))
    windows = np.arange(2, dtype=np.int32)
    examples = {
        row: StoredExample(json.dumps(WORDS), zlib.compress(weights_of(row).tobytes()))
        for row in range(num_examples)
    }
    with SweepStore(directory / STORE_FILE) as store:
        content, description = store.content(1), store.description(1)
        store.run(content, store.data(1), description | {"overlaps": OVERLAPS})
        store.record_batches(
            1, [StoredBatch(5, windows + 2 * number, windows) for number in range(2)]
        )
        found = {
            0: StoredAttention(MASSES, examples),
            1: StoredAttention(3 * MASSES, {}),
        }
        store.put_attention(1, found)
    return key


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep")
    write_controlled_store(path)
    return path


@pytest.fixture(scope="module")
def payload(directory):
    with SweepStore(directory / STORE_FILE, read_only=True) as store:
        return build_payload(store, 1, {})


def test_controls_are_no_configurations(payload):
    names = [one["name"] for one in payload["configurations"]]
    assert sorted(names) == sorted(
        name for name in CONTROLLED if "control" not in name and name != "baseline"
    )


def test_a_cell_beside_its_controls(payload):
    cell = payload["controls"]["cells"]["layer1:p2q"]
    assert (cell["overlap"], cell["possible"], cell["count"]) == (0.15, True, 2)
    found = cell["scores"]["exact_match"]
    # The cell breaks three of four answers, the controls one and none.
    assert found["control_effect"] == pytest.approx(-12.5)
    assert found["control_deviation"] == pytest.approx(25 / np.sqrt(2))
    assert found["beyond"] == pytest.approx(-62.5)
    none = payload["controls"]["cells"]["layer0:p2"]
    assert (none["possible"], none["count"]) == (False, 0)
    assert none["scores"]["f1"]["beyond"] is None


def test_masses_are_means_over_windows(payload):
    # (1 + 3) x the masses over four windows.
    assert payload["attention"]["masses"] == MASSES.tolist()
    q2 = MASSES[0, :, 0].mean()
    assert payload["controls"]["cells"]["layer0:q2"]["mass"] == pytest.approx(q2)
    correlated = payload["controls"]["correlation"]["f1"]["pearson"]
    assert correlated[3] == 4  # layer 0's q2 and p2, layer 1's q2 and p2q
    cells = payload["controls"]["cells"]
    effects = {
        one["name"]: one["scores"]["f1"]["effect"] for one in payload["configurations"]
    }
    expected = np.corrcoef(
        [cells[name]["mass"] for name in cells], [effects[name] for name in cells]
    )[0, 1]
    assert correlated[0] == pytest.approx(expected, abs=5e-4)


def test_examples(payload):
    shown = payload["attention"]
    assert [one["question"] for one in shown["examples"]] == [0, 1, 2]
    assert (shown["num_kept"], shown["num_heads"]) == (3, 3)
    first = shown["examples"][0]
    assert first["words"] == WORDS
    stored = zlib.decompress(base64.b64decode(first["weights"]))
    np.testing.assert_array_equal(
        np.frombuffer(stored, np.uint8).reshape(2, 3, 5, 5), weights_of(0)
    )


@pytest.mark.parametrize(("budget", "shown"), [(10**6, 4), (500, 2), (300, 2), (1, 1)])
def test_a_page_has_room_for_some_examples(tmp_path, monkeypatch, budget, shown):
    write_controlled_store(tmp_path, num_examples=4)
    monkeypatch.setattr(attention, "MOST_BYTES", budget)
    with SweepStore(tmp_path / STORE_FILE, read_only=True) as store:
        found = attention.attention_payload(store, 1)
    sizes = [len(one["weights"]) for one in found["examples"]]
    assert found["num_kept"] == 4
    assert sum(sizes) <= budget or len(sizes) == 1
    assert 100 < sizes[0] < 300
    assert len(sizes) <= shown
    assert found["examples"][0]["question"] == 0


def test_without_any_there_is_nothing(tmp_path):
    write_store(tmp_path)
    with SweepStore(tmp_path / STORE_FILE) as store:
        payload = build_payload(store, 1, {})
    assert payload["controls"] is None
    assert payload["attention"] is None

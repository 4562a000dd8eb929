"""Models loaded once in a MirroredStrategy's scope: flips, prefix reuse, sweeps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import (
    TWO_ROUNDINGS,
    VOCABULARY,
    tiny_squad,
    write_hugging_face,
    write_json,
)
from tests.distribute.sweep_settings import SWEEP
from zonekeras.graph.options import ExportOptions
from zonekeras.models.loading import load
from zonekeras.sweeping import run_sweep
from zonekeras.zones import Configuration, Role, cells

pytestmark = only_tensorflow

REPOSITORY = Path(__file__).resolve().parents[2]


def inputs_of(batch, length=11):
    random = np.random.default_rng(batch)
    roles = np.full((batch, length), Role.PASSAGE, "int32")
    roles[:, 0] = Role.CLS
    roles[:, 1:4] = Role.QUESTION
    roles[:, 4] = Role.SEP
    roles[::2, -1] = Role.PAD
    token_ids = random.integers(5, len(VOCABULARY), roles.shape).astype("int32")
    segments = (roles == Role.PASSAGE).astype("int32")
    return {"token_ids": token_ids, "segment_ids": segments, "roles": roles}


@pytest.fixture(scope="module")
def work(reader, tmp_path_factory):
    """What two devices are given, and what they leave."""
    directory = tmp_path_factory.mktemp("work")
    reader.export(directory / "model", ExportOptions(answer=None))
    write_hugging_face(directory / "hf")
    write_json(directory / "dev.json", tiny_squad())
    for batch in (4, 5):
        np.savez(
            directory / f"in-{batch}.npz",
            zone_tables=zone_tables(reader),
            **inputs_of(batch),
        )
    subprocess.run(
        [sys.executable, "-m", "tests.distribute.two_devices", str(directory)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
    )
    return directory


def zone_tables(reader):
    chosen = [Configuration(), *cells(reader.num_layers)]
    return np.stack([item.tables(reader.num_layers, 1) for item in chosen])


@pytest.mark.parametrize("batch", [4, 5], ids=["even", "one over"])
def test_two_replicas_give_the_keras_models_numbers(reader, work, batch):
    inputs, tables = inputs_of(batch), zone_tables(reader)
    out = np.load(work / f"out-{batch}.npz")
    expected = []
    for configuration in [Configuration(), *cells(reader.num_layers)]:
        with reader.masked(configuration):
            expected.append(reader.predict_logits(inputs))
    for route in ("flipped", "given", "by_prefix"):
        assert out[route].shape == (len(expected), batch, 11, 2)
        np.testing.assert_allclose(out[route], expected, **TWO_ROUNDINGS)
    assert out["replicas"] == 2
    assert out["flip_traces"] == 1
    assert out["traces_of_a_second_batch"] == 0
    assert out["fingerprint"] == reader.network.fingerprint()
    assert out["graph_fingerprint"] == load(work / "model").network.graph_fingerprint
    assert out["num_heads"] == reader.num_heads
    hidden = reader.network.embed(inputs)
    attention = reader.network.layer_attention(
        0, hidden, inputs["roles"], tables[0, :1]
    )
    for name, weights in attention.items():
        np.testing.assert_allclose(out[name], np.asarray(weights), **TWO_ROUNDINGS)


@pytest.mark.parametrize("name", ["model", "hf"], ids=["SavedModel", "Keras"])
def test_a_sweep_gives_the_answers_of_one_device(work, name):
    found = json.loads((work / "predictions.json").read_text())[name]
    expected = run_sweep(load(work / name), work / "dev.json", **SWEEP)
    assert found == expected.predictions
    assert list(found) == ["baseline", *SWEEP["configurations"]]

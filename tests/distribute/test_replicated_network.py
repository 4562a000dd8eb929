"""A SavedModel loaded once in a MirroredStrategy's scope: flips and prefix reuse."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import VOCABULARY
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


@pytest.mark.parametrize("batch", [4, 5], ids=["even", "one over"])
def test_two_replicas_give_the_keras_models_numbers(reader, tmp_path, batch):
    reader.export(tmp_path / "model")
    inputs = inputs_of(batch)
    chosen = [Configuration(), *cells(reader.num_layers)]
    tables = np.stack([item.tables(reader.num_layers, 1) for item in chosen])
    np.savez(tmp_path / "in.npz", zone_tables=tables, **inputs)
    subprocess.run(
        [sys.executable, "-m", "tests.distribute.two_devices"]
        + [str(tmp_path / name) for name in ("model/1", "in.npz", "out.npz")],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
    )
    out = np.load(tmp_path / "out.npz")
    expected = []
    for configuration in chosen:
        with reader.masked(configuration):
            expected.append(reader.predict_logits(inputs))
    for route in ("flipped", "given", "by_prefix"):
        assert out[route].shape == (len(chosen), batch, 11, 2)
        np.testing.assert_allclose(out[route], expected, rtol=0, atol=1e-5)
    assert out["replicas"] == 2
    assert out["flip_traces"] == 1
    assert out["traces_of_a_second_batch"] == 0
    assert out["fingerprint"] == reader.network.fingerprint()
    assert out["num_heads"] == reader.num_heads
    hidden = reader.network.embed(inputs)
    attention = reader.network.layer_attention(
        0, hidden, inputs["roles"], tables[0, :1]
    )
    for name, weights in attention.items():
        np.testing.assert_allclose(out[name], np.asarray(weights), rtol=0, atol=1e-5)

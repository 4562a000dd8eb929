"""Batches of one shape, as a TPU needs them."""

import json

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import tiny_model, tiny_squad
from tests.sweeping.sweeps import CELLS, SETTINGS
from zonekeras.data.squad import from_squad_json
from zonekeras.models.network import INPUT_NAMES, KerasNetwork
from zonekeras.models.zone_model import ZoneModel
from zonekeras.sweeping import SweepSettings, run_sweep
from zonekeras.tasks import span


@pytest.fixture(scope="module")
def dev():
    return from_squad_json(json.dumps(tiny_squad()), "dev.json")


class Watched(KerasNetwork):
    """Notes the shapes of what comes in."""

    def __init__(self, reader):
        super().__init__(reader)
        self.shapes = set()

    def embed(self, inputs):
        self.shapes |= {inputs[name].shape for name in INPUT_NAMES}
        return super().embed(inputs)


def test_the_same_answers_from_one_shape(reader, dev):
    what = SETTINGS | {"controls": 1, "attention_questions": 2}
    expected = run_sweep(reader, dev, **what)
    network = Watched(tiny_model().network.reader)
    model = ZoneModel(network, reader.tokenizer, reader.description)
    found = run_sweep(model, dev, fixed_shapes=True, **what)
    assert network.shapes == {(150 // 29, 29)}
    assert found.predictions == expected.predictions
    for name in ("exact_match", "f1"):
        np.testing.assert_array_equal(found.table[name], expected.table[name])
    # Masses are added up over real windows only: to what rounding allows.
    masses = [result.table["attention_mass"] for result in (found, expected)]
    np.testing.assert_allclose(*masses, rtol=0, atol=1e-4)


def test_runs_that_are_there_keep_their_names():
    content = SweepSettings.of({}).content(span)
    assert "fixed_shapes" not in content
    assert SweepSettings.of({"fixed_shapes": True}).content(span) == content | {
        "fixed_shapes": True
    }


@only_tensorflow
@pytest.mark.slow
def test_what_a_sweep_runs_compiles_under_xla(reader, dev, tmp_path):
    """The compiler that a TPU needs takes every piece of a model, on a CPU."""
    import tensorflow as tf

    from zonekeras.graph.options import ExportOptions
    from zonekeras.models.saved_model import load_module

    reader.export(tmp_path / "model", ExportOptions(answer=None))
    module = load_module(tmp_path / "model" / "1")

    class Compiled(Watched):
        def __init__(self, keras_reader):
            super().__init__(keras_reader)
            self.functions = {}

        def compiled(self, name, *arguments):
            function = self.functions.get(name)
            if function is None:
                function = tf.function(
                    getattr(module, name), jit_compile=True, autograph=False
                )
                self.functions[name] = function
            return function(*arguments)

        def embed(self, inputs):
            super().embed(inputs)
            return self.compiled("embed", inputs["token_ids"], inputs["segment_ids"])

        def run_layer(self, layer, hidden, roles, zone_table):
            return self.compiled(f"run_layer_{layer}", hidden, roles, zone_table)

        def run_rows(self, layer, hidden, rows):
            names = ("roles", "rows", "gate_rows", "gates")
            return self.compiled(
                f"run_rows_{layer}", hidden, *(rows[name] for name in names)
            )

        def head(self, hidden, roles):
            logits = self.compiled("head", hidden)
            return tf.stack([logits["start_logits"], logits["end_logits"]], axis=-1)

    what = SETTINGS | {"configurations": CELLS[:5]}
    expected = run_sweep(reader, dev, **what)
    network = Compiled(reader.network.reader)
    model = ZoneModel(network, reader.tokenizer, reader.description)
    found = run_sweep(model, dev, fixed_shapes=True, **what)
    assert found.predictions == expected.predictions
    assert len(network.shapes) == 1
    assert {"embed", "run_layer_1", "run_rows_0", "head"} <= set(network.functions)

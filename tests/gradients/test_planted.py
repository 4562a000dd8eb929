"""Estimates on readers in which the answer flows through one known cell.

Planted attention is so sharp that what a zone leaves underflows, so that queries are
made less sharp here; the reader still answers right, and only without its cell not.
"""

import pytest

from zonekeras.gradients import run_gradients
from zonekeras.models.network import KerasNetwork
from zonekeras.models.weights import assign_weights, build_reader
from zonekeras.models.zone_model import ModelDescription, ZoneModel
from zonekeras.verification.planted_data import (
    MAX_SEQ_LENGTH,
    planted_dataset,
    planted_tokenizer,
)
from zonekeras.verification.planted_model import Plant, planted_config, planted_weights
from zonekeras.zones import Zone

pytestmark = [
    pytest.mark.both_backends,
    # All cells but two change nothing, and their ranks say nothing.
    pytest.mark.filterwarnings("ignore:the rank correlation of"),
]

NUM_LAYERS = 3
SHARPNESS = 0.02


PLANTS = [Plant(1, Zone.P2Q), Plant(0, Zone.Q2), Plant(2, Zone.P2)]


def softer_weights(plant):
    return {
        name: value * (SHARPNESS if "attention.query" in name else 1.0)
        for name, value in planted_weights(plant, NUM_LAYERS).items()
    }


@pytest.fixture(scope="module")
def model():
    config = planted_config(NUM_LAYERS)
    network = KerasNetwork(build_reader(config, softer_weights(PLANTS[0])))
    description = ModelDescription(source="softer", encoder=config)
    return ZoneModel(network, planted_tokenizer(), description)


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_the_planted_cell_comes_first(model, plant):
    assign_weights(model.network.reader, softer_weights(plant))
    dev = planted_dataset(color_in_question=plant.color_in_question, num_questions=8)
    result = run_gradients(model, dev, exact=15, max_seq_length=MAX_SEQ_LENGTH)
    planted = {f"layer{plant.layer}:{zone}" for zone in (plant.zone, "all")}
    cells = result.cells.set_index("configuration")
    for column in ("exact", "estimate"):
        assert set(cells[column].nlargest(2).index) == planted, column

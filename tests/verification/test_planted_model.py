"""The planted model is what its docstring says, also by the tests' own forward pass."""

import numpy as np
import pytest

from tests.backends import to_numpy
from tests.oracle import numpy_reader_logits, oracle_table
from zonekeras.data.features import build_features
from zonekeras.errors import InputError
from zonekeras.verification.planted_data import (
    COLORS,
    GEMS,
    LAST_WORD,
    VOCABULARY,
    planted_dataset,
    planted_tokenizer,
)
from zonekeras.verification.planted_model import (
    Plant,
    planted_config,
    planted_model,
    planted_weights,
    possible_plants,
)
from zonekeras.zones import Zone, cells, parse_configuration

pytestmark = pytest.mark.both_backends

NUM_LAYERS = 3
ZONES = ("q2", "q2p", "p2q", "p2")
PLANTS = [
    Plant(0, Zone.Q2),
    Plant(0, Zone.Q2P, padding_attracts=True),
    Plant(1, Zone.P2Q),
    Plant(2, Zone.P2, padding_attracts=True),
]
by_plant = pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.zone)


def windows(plant, count, length=31):
    """Returns a model's inputs, and the place of each answer and of the guess."""
    dataset = planted_dataset(
        color_in_question=plant.color_in_question, num_questions=8
    )
    features = build_features(dataset, planted_tokenizer(), max_seq_length=length)
    chosen = np.arange(8)[-count:]
    inputs = features.arrays(chosen, length)
    answers = [features.questions[index].answers[0].text for index in chosen]
    return inputs, [
        [words(row).index(answer), words(row).index(GEMS[0])]
        for row, answer in zip(inputs["token_ids"], answers, strict=True)
    ]


def words(token_ids):
    return [VOCABULARY[token] for token in token_ids]


def tables_without(layer, zone, semantics="strict"):
    tables = np.stack([oracle_table([])] * NUM_LAYERS)
    if zone is not None:
        tables[layer] = oracle_table([zone], semantics)
    return tables[:, None]


@by_plant
def test_the_answer_flows_through_the_planted_zone_alone(plant):
    # The oracle knows nothing of the package: not its zones, not its attention.
    weights = planted_weights(plant, NUM_LAYERS)
    inputs, [(answer, guess)] = windows(plant, 1)
    assert answer != guess
    for layer in range(NUM_LAYERS):
        for zone in (*ZONES, "all"):
            logits = numpy_reader_logits(
                weights,
                planted_config(NUM_LAYERS),
                **inputs,
                tables=tables_without(layer, zone),
            )[0]
            is_planted = layer == plant.layer and zone in (plant.zone, "all")
            expected = guess if is_planted else answer
            assert logits.argmax(axis=0).tolist() == [expected] * 2, (layer, zone)


@pytest.mark.parametrize("padding_attracts", [True, False])
def test_visible_padding_hides_the_rest_only_if_it_attracts(padding_attracts):
    plant = Plant(1, Zone.P2Q, padding_attracts)
    weights = planted_weights(plant, NUM_LAYERS)
    inputs, [(answer, guess)] = windows(plant, 1)
    for layer in range(NUM_LAYERS):
        logits = numpy_reader_logits(
            weights,
            planted_config(NUM_LAYERS),
            **inputs,
            tables=tables_without(layer, "all", "published"),
        )[0]
        expected = guess if padding_attracts and layer == plant.layer else answer
        assert logits.argmax(axis=0).tolist() == [expected] * 2, layer


@by_plant
def test_a_reader_sees_the_color_word_and_nothing_else(plant):
    model = planted_model(plant, NUM_LAYERS)
    inputs, _ = windows(plant, 4)
    attention = model.network.reader.encoder.attention(inputs, (plant.layer,))
    weights = to_numpy(attention[plant.layer])[:, 0]  # head 0, [B, T, T]
    for row, token_ids in enumerate(inputs["token_ids"]):
        (color,) = (word for word in words(token_ids) if word in COLORS)
        reader = LAST_WORD if plant.question_reads else GEMS[COLORS.index(color)]
        key = words(token_ids).index(color)
        query = words(token_ids).index(reader)
        assert weights[row, query, key] > 1 - 1e-6
        others = np.delete(weights[row], query, axis=0)
        assert others[inputs["roles"][row, 1:] > 0, key].max() < 1e-6


@pytest.mark.parametrize("plant", [PLANTS[0], PLANTS[3]], ids=lambda plant: plant.zone)
def test_every_cell_changes_what_the_planted_model_computes(plant):
    model = planted_model(plant, NUM_LAYERS)
    encoder = model.network.reader.encoder
    inputs, _ = windows(plant, 2)
    is_token = inputs["roles"] > 0
    before = to_numpy(encoder(inputs))[is_token]
    for cell in cells(NUM_LAYERS):
        tables = np.stack([cell.tables(NUM_LAYERS, 1)] * 2)
        after = to_numpy(encoder({**inputs, "zone_tables": tables}))[is_token]
        assert np.abs(after - before).max() > 0.01, str(cell)


def test_any_layer_has_room_for_what_passages_read():
    found = [f"layer{plant.layer}:{plant.zone}" for plant in possible_plants(4)]
    assert found == [
        *(f"layer{layer}:{zone}" for layer in (0, 1) for zone in ZONES),
        *(f"layer{layer}:{zone}" for layer in (2, 3) for zone in ("p2q", "p2")),
    ]
    for name in found:
        assert parse_configuration(name).cell is not None


@pytest.mark.parametrize(
    "plant",
    [
        Plant(1, Zone.Q2),
        Plant(2, Zone.Q2P),
        Plant(3, Zone.P2),
        Plant(-1, Zone.P2Q),
        Plant(0, Zone.ALL),
    ],
    ids=str,
)
def test_what_cannot_be_planted_is_refused(plant):
    with pytest.raises(
        InputError,
        match="^Expected one of the four zones in a layer from 0 to 2, with 2 layers "
        f"after it for q2 and q2p. Received: layer {plant.layer}, {plant.zone}.$",
    ):
        planted_model(plant, NUM_LAYERS)

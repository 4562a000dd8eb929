"""A reader whose answer provably flows through one zone of one layer.

Nothing is trained: every weight is written down here. The reader is an ordinary
`SpanReader`, a BERT with two heads, and runs through the same code as any other.

**Hidden states.** A token's state is a list of *features* (is this the gem of color c,
is this color word c, was it told color c, has it a hit, …) stored twice, as `[v, -v]`.
Its mean is 0, so layer normalization with scale 1 and offset 0 only multiplies it by a
positive number: which features a token has, and in what proportion, passes through.
The feed-forward parts are 0 and pass everything on. What follows is about `v`.

**Head 0.** Keys and values are the features themselves. Every token's query asks for
the feature of CLS, so that tokens with nothing to do look at CLS, from where nothing is
written. A *reader* token asks eight times as hard for a color word. The scores are so
large that softmax gives a reader's color word all but 1e-6 of its attention.

| zone | color word stands in | who reads it, in the planted layer | what that writes |
|---|---|---|---|
| `p2q` | question | a gem asks for its own color | hit |
| `p2` | passage | a gem asks for its own color | hit |
| `q2` | question | the question's last token asks for any color | told color c |
| `q2p` | passage | the question's last token asks for any color | told color c |

With `q2` and `q2p` the color still has to reach the passage: in each later layer gems
ask for a token that was told their color, and that writes a hit. There have to be two
such layers, so that masking this transport in one of them leaves the other. (In a
reader's last layer `q2` and `q2p` change no answer, whatever the weights. In the last
but one they need `p2q` of the last, which would then be found too.)

In all other layers head 0 attends just as sharply, and writes to features that nobody
reads. So attention alone proves nothing here; only its effect does.

**Head 1** attends evenly to all visible tokens, in all layers, and copies features that
nobody reads to others. So every zone of every layer changes hidden states, and only the
planted one, and `all` of the same layer, changes answers.

**The span head** gives a hit a high logit as start and as end, and the gem of the first
color a low one: without a hit it is the answer. All colors are asked for equally often,
so masking what was planted leaves exactly one answer in four right.

**Padding.** With `padding_attracts`, every query asks for padding harder than for
anything else. Normally padding is hidden, and nothing changes. Under `published`
semantics the zone `all` shows it, and then everybody looks at padding and nobody at the
color word. Without it, `all` of `published` changes no answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.model_directory import ModelDescription
from zonekeras.models.network import KerasNetwork
from zonekeras.models.weights import (
    Weights,
    assign_weights,
    build_reader,
    encoder_shapes,
    head_shapes,
)
from zonekeras.models.zone_model import ZoneModel
from zonekeras.verification.planted_data import (
    COLORS,
    GEMS,
    LAST_WORD,
    MAX_SEQ_LENGTH,
    VOCABULARY,
    planted_tokenizer,
)
from zonekeras.zones import Zone

Matrix = npt.NDArray[np.float32]

# The features. One-hot groups have a feature for each color.
_NUM_COLORS = len(COLORS)
_GEM = np.arange(_NUM_COLORS)
_COLOR_WORD = _GEM + _NUM_COLORS
_TOLD = _COLOR_WORD + _NUM_COLORS
_LAST_WORD, _CLS, _PADDING, _TOKEN, _HIT = _TOLD[-1] + 1 + np.arange(5)
_UNREAD = _HIT + 1 + np.arange(7)
_NUM_FEATURES = int(_UNREAD[-1]) + 1

# How hard queries ask. A later state's features are at least a quarter of an early
# one's (what nobody reads adds at most 0.4 of a state in each of a few layers), so each
# step leaves a factor of 2 in the worst case, and the weakest score is above 15.
_ASK_CLS = 100.0
_ASK_COLOR = 8.0 * _ASK_CLS
_ASK_PADDING = 8.0 * _ASK_COLOR

_WRITE = 1.0
_WRITE_UNREAD = 0.2
_NOISE = 0.5
_HIT_LOGIT = 10.0
_GUESS_LOGIT = 1.0

LAYERS_AFTER_QUESTION_ZONES = 2
"""Layers that must follow a planted `q2` or `q2p`."""


@dataclass(frozen=True)
class Plant:
    """Where the answer flows.

    Attributes:
        layer: The layer, from 0.
        zone: One of the four zones.
        padding_attracts: Whether tokens that can see padding see nothing else.
    """

    layer: int
    zone: Zone
    padding_attracts: bool = False

    @property
    def color_in_question(self) -> bool:
        """Whether the color word stands in the question."""
        return self.zone in (Zone.Q2, Zone.P2Q)

    @property
    def question_reads(self) -> bool:
        """Whether the question reads it, and not the passage itself."""
        return self.zone in (Zone.Q2, Zone.Q2P)


def possible_plants(num_layers: int) -> list[Plant]:
    """Returns a plant for each zone of each layer where there can be one."""
    plants = [
        Plant(layer, zone)
        for layer in range(num_layers)
        for zone in (Zone.Q2, Zone.Q2P, Zone.P2Q, Zone.P2)
    ]
    return [plant for plant in plants if _has_room(plant, num_layers)]


def planted_model(
    plant: Plant, num_layers: int, network: KerasNetwork | None = None
) -> ZoneModel:
    """Returns the loaded reader with what was planted.

    Args:
        plant: Where the answer flows.
        num_layers: Layers of the reader.
        network: A `planted_network` of as many layers that gets the weights: what it
            has compiled is not compiled again.

    Raises:
        InputError: If it cannot be planted there.
    """
    weights = planted_weights(plant, num_layers)
    network = planted_network(num_layers) if network is None else network
    assign_weights(network.reader, weights)
    description = ModelDescription(
        source=f"planted layer{plant.layer}:{plant.zone}",
        encoder=planted_config(num_layers),
    )
    return ZoneModel(network, planted_tokenizer(), description)


def planted_network(num_layers: int) -> KerasNetwork:
    """Returns a reader for `planted_model`, which decides what is planted in it."""
    weights = planted_weights(possible_plants(num_layers)[0], num_layers)
    return KerasNetwork(build_reader(planted_config(num_layers), weights))


def planted_config(num_layers: int) -> EncoderConfig:
    """Returns the sizes of the reader: two heads as wide as the features."""
    width = 2 * _NUM_FEATURES
    return EncoderConfig(
        family="bert",
        vocabulary_size=len(VOCABULARY),
        num_heads=2,
        hidden_dim=width,
        intermediate_dim=3,
        embedding_dim=width,
        max_sequence_length=MAX_SEQ_LENGTH,
        num_segments=2,
        block_of_layer=tuple(range(num_layers)),
    )


def planted_weights(plant: Plant, num_layers: int) -> Weights:
    """Returns the reader's weights, as `models.weights.build_reader` takes them.

    Raises:
        InputError: If it cannot be planted there.
    """
    if not _has_room(plant, num_layers):
        raise InputError(
            f"Expected one of the four zones in a layer from 0 to {num_layers - 1}, "
            f"with {LAYERS_AFTER_QUESTION_ZONES} layers after it for q2 and q2p. "
            f"Received: layer {plant.layer}, {plant.zone}."
        )
    config = planted_config(num_layers)
    shapes = encoder_shapes(config) | head_shapes(config)
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    for name in weights:
        if name.endswith(".scale"):
            weights[name][:] = 1.0
    weights["embeddings.token"] = _writing(_token_features())
    weights["embeddings.position"] = _writing(_noise(MAX_SEQ_LENGTH))
    weights["span_head.kernel"] = _reading(_span_head())
    identity = np.eye(_NUM_FEATURES, dtype=np.float32)
    for layer in range(num_layers):
        name = f"block.{layer}.attention"
        queries = [_queries(plant, layer), np.zeros_like(identity)]
        outputs = [_outputs(plant, layer), _even_outputs()]
        weights[f"{name}.query.kernel"] = _reading(np.hstack(queries))
        weights[f"{name}.key.kernel"] = _reading(np.hstack([identity, identity]))
        weights[f"{name}.value.kernel"] = _reading(np.hstack([identity, identity]))
        weights[f"{name}.output.kernel"] = _writing(np.vstack(outputs))
    return weights


def _has_room(plant: Plant, num_layers: int) -> bool:
    """Returns whether a reader with so many layers can have the plant."""
    after = LAYERS_AFTER_QUESTION_ZONES if plant.question_reads else 0
    return plant.zone is not Zone.ALL and 0 <= plant.layer < num_layers - after


def _reading(matrix: Matrix) -> Matrix:
    """Makes a kernel that reads features: v = ([v, -v] [I, -I]^T) / 2."""
    half = np.float32(0.5) * matrix
    return np.vstack([half, -half])


def _writing(matrix: Matrix) -> Matrix:
    """Makes a kernel or an embedding that writes features: v -> [v, -v]."""
    return np.hstack([matrix, -matrix])


def _empty(num_columns: int = _NUM_FEATURES) -> Matrix:
    """Returns a matrix with a row for each feature."""
    return np.zeros((_NUM_FEATURES, num_columns), np.float32)


def _token_features() -> Matrix:
    """Returns what each token of the vocabulary is, `[V, features]`."""
    row = {word: number for number, word in enumerate(VOCABULARY)}
    features = _noise(len(VOCABULARY))
    features[:, _TOKEN] = 1.0
    for color in range(_NUM_COLORS):
        features[row[GEMS[color]], _GEM[color]] = 1.0
        features[row[COLORS[color]], _COLOR_WORD[color]] = 1.0
    features[row[LAST_WORD], _LAST_WORD] = 1.0
    features[row["[CLS]"], _CLS] = 1.0
    features[row["[PAD]"], _PADDING] = 1.0
    return features


def _noise(num_rows: int) -> Matrix:
    """Returns rows that differ in features that nobody reads."""
    values = np.random.default_rng(num_rows).standard_normal((num_rows, len(_UNREAD)))
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    rows = np.zeros((num_rows, _NUM_FEATURES), np.float32)
    rows[:, _UNREAD] = _NOISE * values / lengths
    return rows


def _queries(plant: Plant, layer: int) -> Matrix:
    """Returns head 0's queries: from a token's feature (row) to what it asks for."""
    queries = _empty()
    queries[_TOKEN, _CLS] = _ASK_CLS
    if plant.padding_attracts:
        queries[_TOKEN, _PADDING] = _ASK_PADDING
    if not plant.question_reads:
        queries[_GEM, _COLOR_WORD] = _ASK_COLOR  # each gem its own color
    elif layer <= plant.layer:
        queries[_LAST_WORD, _COLOR_WORD] = _ASK_COLOR  # any color
    else:
        queries[_GEM, _TOLD] = _ASK_COLOR
    return queries


def _outputs(plant: Plant, layer: int) -> Matrix:
    """Returns head 0's outputs: from what was seen (row) to what that writes."""
    outputs = _empty()
    if layer == plant.layer:
        written = _TOLD if plant.question_reads else _HIT
        outputs[_COLOR_WORD, written] = _WRITE
    elif layer > plant.layer and plant.question_reads:
        outputs[_TOLD, _HIT] = _WRITE
    else:
        outputs[_COLOR_WORD, _UNREAD[0]] = _WRITE_UNREAD
    return outputs


def _even_outputs() -> Matrix:
    """Returns head 1's outputs: what nobody reads moves one feature on."""
    outputs = _empty()
    outputs[_UNREAD, np.roll(_UNREAD, 1)] = _WRITE_UNREAD
    return outputs


def _span_head() -> Matrix:
    """Returns the logits of features, start and end alike."""
    head = _empty(2)
    head[_HIT] = _HIT_LOGIT
    head[_GEM[0]] = _GUESS_LOGIT
    return head

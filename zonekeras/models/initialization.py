"""Random weights with which a small reader learns to match words in minutes.

From plain random weights a small reader guesses for thousands of steps among the names
of the right kind. To learn that a passage word matters because it equals a question
word, it needs a product of several weights that are all near zero. These weights are
random too, but attention starts out like that of pretrained encoders: a token attends
to equal tokens, to near tokens, or to the other segment. Nothing here knows a word, a
task or an answer.

Method: mimetic initialization (Trockman and Kolter, "Mimetic Initialization of
Self-Attention Layers", 2023, arXiv:2305.09828), which sets the product of a head's
query and key weights near a multiple of the identity, that of its value and output
weights near a negative one, and positions to sinusoids. Here, in addition, the hidden
width is divided into three fields, for positions, segments and tokens, and every head
has the identity in one of them.

    head 0, 4, …    tokens     W_Q W_K^T = +c I    equal tokens attend to each other
    head 1, 5, …    positions  W_Q W_K^T = +c I    near tokens do, within some words
    head 2, 6, …    positions  W_Q W_K^T = +c I/4  the same, wider
    head 3, 7, …    segments   W_Q W_K^T = -c I    question and passage do

The value and output weights of every head carry the segment field, negated. Its scale
makes it zero after the first layer wherever a token attended to its own segment alone:
what is left marks the tokens that have an equal one in the other segment. The last
kernels of the feed-forward parts and of the head start as zero, so that nothing random
drowns this. Everything else is as in `weights.random_weights`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.weights import (
    Weights,
    encoder_shapes,
    head_shapes,
    random_weights,
)

FloatArray = npt.NDArray[np.float64]

HEAD_KINDS = 4
"""Heads are of this many kinds, in turn."""

EMBEDDING_DEVIATION = 0.05
"""Root mean square of the sum of the embeddings; the normalization scales it to 1."""

POSITION_SHARE, SEGMENT_SHARE, TOKEN_SHARE = 0.25, 0.25, 0.5
"""How the squared length of that sum is divided between the fields."""

TOKEN_SCORE, NEAR_SCORE, FAR_SCORE, SEGMENT_SCORE = 5.0, 8.0, 2.0, 6.0
"""Expected attention score of equal tokens, positions, or of the other segment."""

VALUE_GAIN = 0.1
"""How much of the other fields the values carry at first."""

LONGEST_WAVE = 32.0
"""Ratio of the slowest sinusoid of the positions to the fastest, which has rate 1."""


def mimetic_weights(config: EncoderConfig, seed: int = 0) -> Weights:
    """Returns fresh weights of a reader, head included.

    Args:
        config: A BERT-like reader with two segments whose embeddings are as wide as
            its layers. Its heads should be a multiple of 4.
        seed: Two seeds give two sets of weights.

    Returns:
        Weights as `build_reader` takes them.

    Raises:
        ValueError: If the configuration is of another kind.
    """
    _check(config)
    weights = random_weights(encoder_shapes(config) | head_shapes(config), seed)
    generator = np.random.default_rng([seed, config.hidden_dim])
    fields = _Fields(config)
    weights |= {
        name: value.astype(np.float32)
        for name, value in fields.embeddings(generator).items()
    }
    for block in range(config.num_blocks):
        name = f"block.{block}.attention"
        query, key = fields.query_and_key(generator)
        value, output = fields.value_and_output(generator)
        weights[f"{name}.query.kernel"] += query.astype(np.float32)
        weights[f"{name}.key.kernel"] += key.astype(np.float32)
        weights[f"{name}.value.kernel"] = value.astype(np.float32)
        weights[f"{name}.output.kernel"] = output.astype(np.float32)
        weights[f"block.{block}.output.kernel"][:] = 0
    weights["span_head.kernel"][:] = 0
    return weights


class _Fields:
    """The three fields of the hidden width, and what is put into them."""

    def __init__(self, config: EncoderConfig) -> None:
        self.config = config
        self.width = config.hidden_dim
        self.head_width = config.hidden_dim // config.num_heads
        self.positions = slice(0, self.width // 4)
        self.segments = slice(
            self.positions.stop, self.positions.stop + self.width // 16
        )
        self.tokens = slice(self.segments.stop, self.width)

    def embeddings(self, generator: np.random.Generator) -> dict[str, FloatArray]:
        """Makes the embeddings: each is zero outside of its field."""
        config = self.config
        token = np.zeros((config.vocabulary_size, self.width))
        token[:, self.tokens] = _rows(
            generator, config.vocabulary_size, _size(self.tokens)
        )
        position = np.zeros((config.max_sequence_length, self.width))
        position[:, self.positions] = _sinusoids(
            config.max_sequence_length, _size(self.positions)
        )
        direction = _rows(generator, 1, _size(self.segments))
        segment = np.zeros((2, self.width))
        segment[:, self.segments] = np.concatenate([direction, -direction])
        length = EMBEDDING_DEVIATION * np.sqrt(self.width)
        return {
            "embeddings.token": token * length * np.sqrt(TOKEN_SHARE),
            "embeddings.position": position * length * np.sqrt(POSITION_SHARE),
            "embeddings.segment": segment * length * np.sqrt(SEGMENT_SHARE),
        }

    def query_and_key(
        self, generator: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Makes query and key kernels [D, D] that are identities in one field."""
        query, key = np.zeros((2, self.width, self.width))
        kinds = (
            (self.tokens, TOKEN_SCORE, TOKEN_SHARE, 1),
            (self.positions, NEAR_SCORE, POSITION_SHARE, 1),
            (self.positions, FAR_SCORE, POSITION_SHARE, 1),
            (self.segments, SEGMENT_SCORE, SEGMENT_SHARE, -1),
        )
        for head in range(self.config.num_heads):
            field, score, share, sign = kinds[head % HEAD_KINDS]
            size = _size(field)
            # A vector keeps this share of its squared length in the head.
            kept = min(1.0, self.head_width / size)
            squared = score * np.sqrt(self.head_width) / (share * self.width * kept)
            projection = _orthogonal(generator, size, self.head_width)
            columns = self._columns(head)
            query[field, columns] = np.sqrt(squared) * projection
            key[field, columns] = sign * query[field, columns]
        return query, key

    def value_and_output(
        self, generator: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Makes value and output kernels [D, D] that carry the segment field.

        What the heads carry besides is orthogonal, and weak.
        """
        value = VALUE_GAIN * _orthogonal(generator, self.width, self.width)
        output = _orthogonal(generator, self.width, self.width)
        value[self.segments] = 0
        output[:, self.segments] = 0
        heads = range(self.config.num_heads)
        # A segment head brings the other segment, whose embedding is the negative.
        balance = sum(-1 if head % HEAD_KINDS == 3 else 1 for head in heads)
        for head in heads:
            start = self._columns(head).start
            carried = slice(start, start + _size(self.segments))
            value[:, carried] = 0
            output[carried] = 0
            value[self.segments, carried] = np.eye(_size(self.segments))
            output[carried, self.segments] = -np.eye(_size(self.segments)) / balance
        return value, output

    def _columns(self, head: int) -> slice:
        return slice(head * self.head_width, (head + 1) * self.head_width)


def _check(config: EncoderConfig) -> None:
    """Refuses configurations that the fields do not fit."""
    fits = (
        config.num_segments == 2
        and config.embedding_dim == config.hidden_dim
        and not config.project_embeddings
        and config.hidden_dim >= 64
        and config.hidden_dim % 16 == 0
        and config.hidden_dim // config.num_heads >= config.hidden_dim // 16
    )
    if not fits:
        raise ValueError(
            "expected two segments, embeddings as wide as the layers, a width that is "
            "a multiple of 16 from 64 on, and at most 16 heads. Received: "
            f"config={config}"
        )


def _size(field: slice) -> int:
    return int(field.stop - field.start)


def _rows(generator: np.random.Generator, count: int, width: int) -> FloatArray:
    """Draws directions: rows [count, width] of length 1."""
    rows = generator.standard_normal((count, width))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _sinusoids(length: int, width: int) -> FloatArray:
    """Makes positions [length, width], rows of length 1."""
    rates = LONGEST_WAVE ** -np.linspace(0, 1, width // 2)
    angles = np.arange(length)[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], 1) / np.sqrt(width // 2)


def _orthogonal(generator: np.random.Generator, rows: int, columns: int) -> FloatArray:
    """Draws a matrix whose shorter side's vectors are orthonormal."""
    size = max(rows, columns)
    return np.linalg.qr(generator.standard_normal((size, size)))[0][:rows, :columns]

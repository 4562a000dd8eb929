"""The signatures of a SavedModel beside `serving_default` (TensorFlow only).

- `answer`: strings to answers under a mask for each row; see `graph.answering`.
- `attention`: weights of chosen layers, under zone tables for each row.
- `set_mask`, `get_mask` and `logits`: assign, return and read the variables. A server
  may batch rows of different clients and run several copies of a model, so one client's
  mask would change others' answers. So these are left out unless asked for.

In all of them the first axis of every input and output is the row, as a server's
batching requires. No operation raises on the content of a row: `answer` and `set_mask`
return an error for the row, and signatures that read ids return NaN (see `id_ranges`).
Shapes that the model cannot read, such as more tokens than it has positions, are
refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from zonekeras.defaults import MAX_MASK_CHARACTERS
from zonekeras.graph.answering import GraphReader
from zonekeras.graph.masks import Masks, read_masks
from zonekeras.graph.options import AnswerOptions, ExportOptions
from zonekeras.graph.texts import text_errors
from zonekeras.models.id_ranges import clip_ids, fill_rows
from zonekeras.models.saved_model import ReaderModule
from zonekeras.models.span_reader import SpanReader
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

_STRINGS = tf.TensorSpec([None], tf.string)


def add_signatures(
    module: ReaderModule,
    reader: SpanReader,
    tokenizer: ReaderTokenizer,
    options: ExportOptions,
) -> dict[str, Any]:
    """Adds the functions that options ask for to a module.

    Args:
        module: The module of the reader.
        reader: The reader.
        tokenizer: Its tokenizer.
        options: What to add; checked.

    Returns:
        The functions by the name of their signature.

    Raises:
        InputError: If `answer` is asked for and the tokenizer cannot run in a graph.
    """
    signatures: dict[str, Any] = {}
    if options.answer is not None:
        signatures["answer"] = _answer(module, reader, tokenizer, options.answer)
    if options.attention_layers:
        signatures["attention"] = _attention(module, reader, options.attention_layers)
    if options.stateful:
        signatures["set_mask"] = _set_mask(module, reader)
        signatures["get_mask"] = _get_mask(module)
    for name, function in signatures.items():
        setattr(module, name, function)
    if options.stateful:
        # Beside the module's own function of that name, which checks nothing.
        signatures["logits"] = _logits(module, reader)
    return signatures


def _answer(
    module: ReaderModule,
    reader: SpanReader,
    tokenizer: ReaderTokenizer,
    options: AnswerOptions,
) -> Any:
    graph_reader = GraphReader(
        module.serving_default,
        tokenizer,
        num_layers=reader.config.num_layers,
        num_heads=reader.config.num_heads,
        max_sequence_length=reader.config.max_sequence_length,
        options=options,
    )

    # Kept with the module: a tokenizer can have a resource that is saved with it.
    module.graph_reader = graph_reader

    def answer(question: Any, passage: Any, mask: Any) -> dict[str, Any]:
        return graph_reader(question, passage, mask)

    return tf.function(answer, [_STRINGS] * 3, autograph=False)


def _attention(module: ReaderModule, reader: SpanReader, layers: Sequence[int]) -> Any:
    def attention(
        token_ids: Any, segment_ids: Any, roles: Any, zone_tables: Any
    ) -> dict[str, Any]:
        ids = {"token_ids": token_ids, "segment_ids": segment_ids, "roles": roles}
        inputs, is_bad = clip_ids(ids, reader.config)
        weights = reader.encoder.attention(
            inputs | {"zone_tables": zone_tables}, tuple(layers)
        )
        outputs = {
            f"layer_{layer}": tf.cast(values, tf.float32)
            for layer, values in weights.items()
        }
        return fill_rows(outputs, is_bad)

    specs = module.serving_default.input_signature
    return tf.function(attention, specs, autograph=False)


def _logits(module: ReaderModule, reader: SpanReader) -> Any:
    def logits(token_ids: Any, segment_ids: Any, roles: Any) -> dict[str, Any]:
        ids = {"token_ids": token_ids, "segment_ids": segment_ids, "roles": roles}
        inputs, is_bad = clip_ids(ids, reader.config)
        return fill_rows(module.logits(**inputs), is_bad)

    specs = module.logits.input_signature
    return tf.function(logits, specs, autograph=False)


def _set_mask(module: ReaderModule, reader: SpanReader) -> Any:
    """Assigns the last valid mask of the rows; returns an error for each row."""
    num_layers, num_heads = reader.config.num_layers, reader.config.num_heads
    per_head = int(module.zone_tables[0].shape[0]) == num_heads

    def set_mask(mask: Any) -> dict[str, Any]:
        error = text_errors(mask, "mask", MAX_MASK_CHARACTERS)
        mask = tf.where(error == "", mask, "")
        masks = read_masks(mask, num_layers, num_heads)
        error = tf.where(error == "", masks.error, error)
        if per_head:
            shape = tf.tensor_scatter_nd_update(
                tf.shape(masks.tables), [[2]], [num_heads]
            )
            tables = tf.broadcast_to(masks.tables, shape)
        else:
            error = tf.where(error == "", _names_a_head(masks, mask), error)
            tables = masks.tables[:, :, :1]
        before = tf.stack([table.read_value() for table in module.zone_tables])
        rows = tf.where(error == "")[:, 0] + 1
        last = tf.reduce_max(tf.concat([rows, [0]], axis=0))
        after = tf.concat([before[None], tables], axis=0)[last]
        for layer, variable in enumerate(module.zone_tables):
            variable.assign(tf.ensure_shape(after[layer], variable.shape))
        return {"error": error}

    return tf.function(set_mask, [_STRINGS], autograph=False)


def _names_a_head(masks: Masks, mask: Any) -> Any:
    """Returns a message for masks that differ between heads, else empty strings."""
    differs = tf.reduce_any(masks.tables != masks.tables[:, :, :1], axis=[1, 2, 3, 4])
    message = tf.strings.join(
        [
            "Expected a mask of whole layers, since the variables have one table for "
            "all heads. Received: '",
            mask,
            "'. Send it with the request to 'answer'.",
        ]
    )
    return tf.where(differs, message, "")


def _get_mask(module: ReaderModule) -> Any:
    """Returns the variables' tables, once for each row of an input of any content."""

    def get_mask(row: Any) -> dict[str, Any]:
        tables = tf.stack([table.read_value() for table in module.zone_tables])
        shape = tf.concat([tf.shape(row), tf.shape(tables)], axis=0)
        return {"zone_tables": tf.broadcast_to(tables, shape)}

    return tf.function(get_mask, [tf.TensorSpec([None], tf.int32)], autograph=False)

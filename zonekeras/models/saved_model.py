"""SavedModels of ours: writing one, and flipping a loaded one (TensorFlow only).

The contract that every SavedModel of ours keeps:

- `zone_tables`: one float32 variable [1 or N, R, R] for each layer; 1 = may attend.
- `logits(token_ids, segment_ids, roles)`: int32 [B, T]; reads the variables; returns
  `start_logits` and `end_logits`, float32 [B, T].
- `serving_default`, function and signature: one more input `zone_tables`, float32
  [B, L, 1 or N, R, R], used in place of the variables. In the signature, a row with an
  id that the model does not have gets NaN; the functions check nothing.
- `embed`, `run_layer_0` … `run_layer_{L-1}`, `head`: the same model in pieces, so
  that a run can start at any layer: `run_layer_k(hidden, roles, zone_table)` runs
  layer k on [B, T, D] with a table float32 [1 or B, 1 or N, R, R], and
  `run_rows_k(hidden, roles, rows, gate_rows, gates)` runs it for chosen rows, each
  under a table row of its own (`ZoneEncoder.run_rows`).

`num_heads` and `graph_version` are variables too, so that they are known without the
model directory that the SavedModel belongs to.

`signatures` adds the other functions that a server offers. Only tensors and functions
are saved, no Python. A function is traced once, with free batch size and length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from zonekeras.errors import InputError, is_out_of_memory
from zonekeras.layers import take_rows
from zonekeras.models.id_ranges import clip_ids, fill_rows
from zonekeras.models.model_directory import outdated_saved_model
from zonekeras.models.network import (
    INPUT_NAMES,
    hash_arrays,
    parameters,
    run_rows_in_slices,
)
from zonekeras.models.span_reader import SpanReader
from zonekeras.task_table import TaskName
from zonekeras.zones import NUM_ROLES

GRAPH_VERSION = 2
"""Kept in every SavedModel as `graph_version`; a SavedModel of a lower version is
refused. Raise it, and `model_directory.FORMAT_VERSION` with it, when older graphs must
no longer be run, since they give wrong numbers or do harm. Graphs of version 1, which
have no `graph_version`, multiply matrices with broadcast batch dimensions, where oneDNN
writes outside its buffers on CPUs with AVX-512.
"""

_VALUE_OF = "{}/.ATTRIBUTES/VARIABLE_VALUE"
_BYTES_AT_ONCE = 2**20


class ReaderModule(tf.Module):
    """What is written: a reader's variables and the functions over them.

    Args:
        reader: A built reader on the TensorFlow backend.

    Attributes:
        graph_fingerprint: None: the graph is this version's; see `Network`.
    """

    graph_fingerprint: str | None = None

    def __init__(self, reader: SpanReader) -> None:
        super().__init__(name="reader")
        self.zone_tables = [variable.value for variable in reader.zone_tables]
        self.parameters = [variable.value for variable in parameters(reader)]
        self.num_heads = tf.Variable(reader.config.num_heads, trainable=False)
        self.graph_version = tf.Variable(GRAPH_VERSION, trainable=False)
        tokens = [tf.TensorSpec([None, None], tf.int32, name) for name in INPUT_NAMES]
        tables = tf.TensorSpec(
            [None, reader.config.num_layers, None, NUM_ROLES, NUM_ROLES],
            tf.float32,
            "zone_tables",
        )
        hidden = tf.TensorSpec(
            [None, None, reader.config.hidden_dim],
            tf.float32,
            "hidden",
        )

        def logits(token_ids: Any, segment_ids: Any, roles: Any) -> Any:
            return _named(reader(_inputs(token_ids, segment_ids, roles)))

        def serving_default(
            token_ids: Any, segment_ids: Any, roles: Any, zone_tables: Any
        ) -> Any:
            inputs = _inputs(token_ids, segment_ids, roles)
            return _named(reader(inputs | {"zone_tables": zone_tables}))

        def served_logits(
            token_ids: Any, segment_ids: Any, roles: Any, zone_tables: Any
        ) -> Any:
            inputs = _inputs(token_ids, segment_ids, roles)
            inputs, is_bad = clip_ids(inputs, reader.config)
            outputs = self.serving_default(**inputs, zone_tables=zone_tables)
            return fill_rows(outputs, is_bad)

        def embed(token_ids: Any, segment_ids: Any) -> Any:
            return reader.encoder.embed(token_ids, segment_ids)

        def head(hidden: Any) -> Any:
            return _named(reader.head(hidden))

        self.logits = tf.function(logits, tokens, autograph=False)
        self.serving_default = tf.function(
            serving_default, [*tokens, tables], autograph=False
        )
        self.served_logits = tf.function(
            served_logits, [*tokens, tables], autograph=False
        )
        self.embed = tf.function(embed, tokens[:2], autograph=False)
        self.head = tf.function(head, [hidden], autograph=False)
        for layer in range(reader.config.num_layers):
            self._add_layer(reader, layer, hidden, tokens[2])

    def _add_layer(
        self, reader: SpanReader, layer: int, hidden: Any, roles: Any
    ) -> None:
        """Adds the functions that run one layer."""
        run_layer, run_rows = reader.encoder.run_layer, reader.encoder.run_rows
        layer_attention = reader.encoder.layer_attention

        def whole(hidden: Any, roles: Any, zone_table: Any) -> Any:
            inputs = {"hidden": hidden, "roles": roles, "zone_table": zone_table}
            return run_layer(layer, inputs)

        def chosen(
            hidden: Any, roles: Any, rows: Any, gate_rows: Any, gates: Any
        ) -> Any:
            names = {"rows": rows, "gate_rows": gate_rows, "gates": gates}
            return run_rows(layer, {"hidden": hidden, "roles": roles, **names})

        def attention(hidden: Any, roles: Any, zone_table: Any) -> Any:
            inputs = {"hidden": hidden, "roles": roles, "zone_table": zone_table}
            return layer_attention(layer, inputs)

        table = tf.TensorSpec([None, None, NUM_ROLES, NUM_ROLES], tf.float32)
        places = tf.TensorSpec([None, None], tf.int32)
        gates = tf.TensorSpec([1, None, None, NUM_ROLES], tf.float32)
        signatures = {
            f"run_layer_{layer}": (whole, [hidden, roles, table]),
            f"run_rows_{layer}": (chosen, [hidden, roles, places, places, gates]),
            f"layer_attention_{layer}": (attention, [hidden, roles, table]),
        }
        for name, (function, signature) in signatures.items():
            setattr(self, name, tf.function(function, signature, autograph=False))


class SavedModelNetwork:
    """A SavedModel of ours, loaded once; see `network.Network`.

    Args:
        directory: The SavedModel's own directory (the `1` of a model directory).

    Raises:
        InputError: If it is not a SavedModel of ours, or one of an earlier version.
    """

    task = TaskName.SPAN
    labels: tuple[str, ...] = ()

    def __init__(self, directory: str | Path) -> None:
        self.module = load_module(directory)
        self.num_layers = len(self.module.zone_tables)
        self.num_heads = int(self.module.num_heads.numpy())
        self.table_heads = int(self.module.zone_tables[0].shape[0])
        self.has_attention = hasattr(self.module, "layer_attention_0")
        self.graph_fingerprint: str | None = self.module.graph_fingerprint

    @property
    def num_traces(self) -> int:
        """Always 1: the saved function is never traced again."""
        return len(self.module.logits.concrete_functions)

    def logits(
        self, inputs: Mapping[str, np.ndarray], zone_tables: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns logits float32 [B, T, 2]; see `Network.logits`."""
        tensors = [tf.convert_to_tensor(inputs[name]) for name in INPUT_NAMES]
        if zone_tables is None:
            outputs = self.module.logits(*tensors)
        else:
            outputs = self.module.serving_default(
                *tensors, tf.convert_to_tensor(zone_tables, tf.float32)
            )
        return _stacked(outputs).numpy()

    def assign(self, zone_tables: np.ndarray) -> None:
        """Sets the variables to float32 [L, n, R, R]."""
        for variable, table in zip(self.module.zone_tables, zone_tables, strict=True):
            variable.assign(table)

    def embed(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """Returns the input of layer 0, a tensor [B, T, D]."""
        return self.module.embed(inputs["token_ids"], inputs["segment_ids"])

    def run_layer(
        self, layer: int, hidden: Any, roles: np.ndarray, zone_table: np.ndarray
    ) -> Any:
        """Runs one layer; see `Network.run_layer`."""
        run = getattr(self.module, f"run_layer_{layer}")
        return run(hidden, roles, zone_table)

    def run_rows(self, layer: int, hidden: Any, rows: Mapping[str, np.ndarray]) -> Any:
        """Runs one layer for chosen rows; see `Network.run_rows`."""
        run = getattr(self.module, f"run_rows_{layer}")
        names = ("hidden", "roles", "rows", "gate_rows", "gates")
        return run_rows_in_slices(
            lambda inputs: run(*(inputs[name] for name in names)), hidden, rows
        )

    def layer_attention(
        self, layer: int, hidden: Any, roles: np.ndarray, zone_table: np.ndarray
    ) -> Mapping[str, Any]:
        """Returns where one layer attends; see `Network.layer_attention`."""
        run = getattr(self.module, f"layer_attention_{layer}")
        found: Mapping[str, Any] = run(hidden, roles, zone_table)
        return found

    def take_rows(self, hidden: Any, rows: np.ndarray) -> Any:
        """Takes tokens out of a tensor; see `Network.take_rows`."""
        return take_rows(hidden, rows)

    def head(self, hidden: Any, roles: np.ndarray) -> Any:
        """Returns logits, a float32 tensor [B, T, 2]; see `Network.head`."""
        return _stacked(self.module.head(hidden))

    def fingerprint(self) -> str:
        """Returns a SHA-256 of the weights, equal to the Keras model's."""
        return hash_arrays(variable.numpy() for variable in self.module.parameters)


def write_saved_model(
    module: ReaderModule,
    directory: str | Path,
    signatures: Mapping[str, Any] | None = None,
) -> None:
    """Writes a reader as a SavedModel of ours.

    Args:
        module: The reader's module.
        directory: Where to write; made if missing.
        signatures: Functions of the module that become signatures beside
            `serving_default`.

    Raises:
        OSError: If it cannot be written.
    """
    all_signatures = {"serving_default": module.served_logits, **(signatures or {})}
    try:
        tf.saved_model.save(module, str(directory), signatures=all_signatures)
    except tf.errors.OpError as error:  # TensorFlow's own for a full disk
        raise OSError(f"cannot write {directory}: {_first_line(error)}") from error


def load_module(directory: str | Path) -> Any:
    """Loads a SavedModel of ours; call it inside a strategy's scope to mirror it.

    Keep the returned object: its functions stop working when it is collected. Flip a
    mirrored one from outside the replicas, `module.zone_tables[3].assign(table)`, and
    run it by `strategy.run(lambda *inputs: module.logits(*inputs), args)` in a
    `tf.function`. Without the lambda, the function gets all replicas' inputs at once.

    Returns:
        What was saved as a `ReaderModule`; its `graph_fingerprint` is the SHA-256 of
        `saved_model.pb`.

    Raises:
        InputError: If it is not a SavedModel of ours, or one of an earlier version.
    """
    import tensorflow_text  # noqa: F401  # the operations of 'answer'

    check_graph_version(directory)
    try:
        module = tf.saved_model.load(str(directory))
        fingerprint = _graph_fingerprint(directory)
    except Exception as error:  # whatever TensorFlow meets in a damaged file
        if is_out_of_memory(error):
            raise
        raise InputError(
            f"Expected a SavedModel in {directory}. It cannot be loaded: "
            f"{_first_line(error)}. Export the model again."
        ) from error
    missing = [
        name
        for name in ("zone_tables", "parameters", "num_heads", "logits")
        if not hasattr(module, name)
    ]
    if missing:
        raise InputError(
            f"Expected a SavedModel written by zonekeras in {directory}. It has no "
            f"{', '.join(missing)}. Export the model with ZoneModel.export."
        )
    module.graph_fingerprint = fingerprint
    return module


def check_graph_version(directory: str | Path, *, can_leave: bool = True) -> None:
    """Refuses a SavedModel of ours that an earlier version wrote; does not load it.

    Damaged and foreign SavedModels pass: loading them says what is wrong.

    Args:
        directory: As `load_module` takes it.
        can_leave: As `outdated_saved_model` takes it.

    Raises:
        InputError: If its `graph_version` is missing or too low.
    """
    try:
        values = tf.train.load_checkpoint(f"{directory}/variables/variables")
        is_own = values.has_tensor(_VALUE_OF.format("num_heads"))
        name = _VALUE_OF.format("graph_version")
        version = int(values.get_tensor(name)) if values.has_tensor(name) else 1
    except Exception:  # whatever TensorFlow meets in a damaged file
        return
    if is_own and version < GRAPH_VERSION:
        raise outdated_saved_model(Path(directory), can_leave=can_leave)


def _graph_fingerprint(directory: str | Path) -> str:
    """Returns the SHA-256 of a SavedModel's graph."""
    digest = hashlib.sha256()
    with tf.io.gfile.GFile(f"{directory}/saved_model.pb", "rb") as file:
        while content := file.read(_BYTES_AT_ONCE):
            digest.update(content)
    return digest.hexdigest()


def _inputs(token_ids: Any, segment_ids: Any, roles: Any) -> dict[str, Any]:
    return {"token_ids": token_ids, "segment_ids": segment_ids, "roles": roles}


def _named(logits: Any) -> dict[str, Any]:
    return {"start_logits": logits[..., 0], "end_logits": logits[..., 1]}


def _stacked(outputs: Mapping[str, Any]) -> Any:
    return tf.stack([outputs["start_logits"], outputs["end_logits"]], axis=-1)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

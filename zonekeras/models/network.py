"""The part of a loaded model that computes: logits in, flips in, nothing else.

A network is either a Keras reader, such as `SpanReader` (any backend), or one of our
SavedModels (TensorFlow only, `saved_model.SavedModelNetwork`). `ZoneModel` and sweeps
only use what the `Network` protocol lists, so that both give the same numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Annotated, Any, Protocol

import keras
import numpy as np

from zonekeras.layers import ZoneBlock, take_rows
from zonekeras.layers.devices import runs_on_cpu
from zonekeras.layers.tensors import Tensor
from zonekeras.models.compiled import CompiledFunction
from zonekeras.models.reader import Reader
from zonekeras.models.weights import variable_value
from zonekeras.task_table import TaskName

INPUT_NAMES = ("token_ids", "segment_ids", "roles")


class Network(Protocol):
    """What computes a reader's logits under the current zone tables.

    Attributes:
        task: What its head is for, which says what logits are (`tasks.task.Head`):
            [B, T, K] or [B, K]; [B, T, 2] of a `SpanReader`.
        labels: Names of the K classes in the order of the logits; none of spans.
        num_layers: Layers, L.
        num_heads: Attention heads of every layer, N.
        table_heads: Tables of every layer, n: 1, or N where each head has its own.
        has_attention: Whether `layer_attention` can be asked.
        graph_fingerprint: SHA-256 of the graph that is run, if it was read from a
            file; None where this version of zonekeras makes it.
        num_traces: How often the logits have been traced.
    """

    task: TaskName
    labels: tuple[str, ...]
    num_layers: int
    num_heads: int
    table_heads: int
    has_attention: bool
    graph_fingerprint: str | None

    @property
    def num_traces(self) -> int:
        """How often the logits have been traced."""
        ...

    def logits(
        self, inputs: Mapping[str, np.ndarray], zone_tables: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns the head's logits, float32.

        Args:
            inputs: int32 [B, T] `token_ids`, `segment_ids`, `roles`.
            zone_tables: float32 [B, L, 1 or N, R, R], in place of the variables.
        """
        ...

    def assign(self, zone_tables: np.ndarray) -> None:
        """Sets the variables to float32 [L, n, R, R]."""
        ...

    def embed(self, inputs: Mapping[str, np.ndarray]) -> Annotated[Tensor, "B T D"]:
        """Returns the input of layer 0."""
        ...

    def run_layer(
        self,
        layer: int,
        hidden: Annotated[Tensor, "B T D"],
        roles: np.ndarray,
        zone_table: np.ndarray,
    ) -> Annotated[Tensor, "B T D"]:
        """Runs one layer; the variables play no part.

        Args:
            layer: Which one.
            hidden: Its input.
            roles: int32 [B, T].
            zone_table: float32 [1 or B, 1 or N, R, R].

        Returns:
            Its output.
        """
        ...

    def run_rows(
        self,
        layer: int,
        hidden: Annotated[Tensor, "B T D"],
        rows: Mapping[str, np.ndarray],
    ) -> Annotated[Tensor, "B M D"]:
        """Runs one layer for chosen rows; see `ZoneEncoder.run_rows`.

        Args:
            layer: Which one.
            hidden: Its input.
            rows: `roles`, `rows`, `gate_rows` and `gates`.

        Returns:
            Its output in the M chosen rows.
        """
        ...

    def take_rows(
        self, hidden: Annotated[Tensor, "B M D"], rows: np.ndarray
    ) -> Annotated[Tensor, "B T D"]:
        """Takes tokens, int32 [B, T], out of a tensor; see `layers.take_rows`."""
        ...

    def layer_attention(
        self,
        layer: int,
        hidden: Annotated[Tensor, "B T D"],
        roles: np.ndarray,
        zone_table: np.ndarray,
    ) -> Mapping[str, Tensor]:
        """Returns where one layer attends; the variables play no part.

        Args:
            layer: Which one.
            hidden: Its input.
            roles: int32 [B, T].
            zone_table: float32 [1 or B, 1 or N, R, R].

        Returns:
            float32 tensors `weights` [B, N, T, T] and `role_masses` [B, N, R, R]; see
            `ZoneEncoder.layer_attention`.
        """
        ...

    def head(self, hidden: Annotated[Tensor, "B T D"], roles: np.ndarray) -> Tensor:
        """Returns the head's logits, a float32 tensor.

        Args:
            hidden: The last layer's output.
            roles: int32 [B, T]; the span head does not read them.
        """
        ...

    def fingerprint(self) -> str:
        """Returns a SHA-256 of the weights, the same for every form of a model."""
        ...


class KerasNetwork:
    """A Keras reader compiled for the running backend; see `Network`.

    Args:
        reader: A built reader.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.task = reader.task
        self.labels = reader.labels
        self.has_attention = True
        self.graph_fingerprint: str | None = None
        self.num_layers = reader.config.num_layers
        self.num_heads = reader.config.num_heads
        self.table_heads = int(reader.zone_tables[0].shape[0])
        self._compiled = CompiledFunction(reader, reader.variables)

    @property
    def num_traces(self) -> int:
        """How often the logits have been traced."""
        return self._compiled.num_traces

    def logits(
        self, inputs: Mapping[str, np.ndarray], zone_tables: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns the head's logits, float32; see `Network.logits`."""
        arrays = {name: inputs[name] for name in INPUT_NAMES}
        if zone_tables is not None:
            arrays["zone_tables"] = zone_tables
        return np.asarray(keras.ops.convert_to_numpy(self._compiled(arrays)))

    def assign(self, zone_tables: np.ndarray) -> None:
        """Sets the variables to float32 [L, n, R, R]."""
        for variable, table in zip(self.reader.zone_tables, zone_tables, strict=True):
            variable.assign(table)

    def embed(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """Returns the input of layer 0, a tensor [B, T, D]."""
        return self._embed({name: inputs[name] for name in INPUT_NAMES[:2]})

    def run_layer(
        self, layer: int, hidden: Any, roles: np.ndarray, zone_table: np.ndarray
    ) -> Any:
        """Runs one layer; see `Network.run_layer`."""
        inputs = {"hidden": hidden, "roles": roles, "zone_table": zone_table}
        return self._layers[layer](inputs)

    def run_rows(self, layer: int, hidden: Any, rows: Mapping[str, np.ndarray]) -> Any:
        """Runs one layer for chosen rows; see `Network.run_rows`."""
        return run_rows_in_slices(self._rows[layer], hidden, rows)

    def take_rows(self, hidden: Any, rows: np.ndarray) -> Any:
        """Takes tokens out of a tensor; see `Network.take_rows`."""
        return self._take_rows({"hidden": hidden, "rows": rows})

    def layer_attention(
        self, layer: int, hidden: Any, roles: np.ndarray, zone_table: np.ndarray
    ) -> Mapping[str, Any]:
        """Returns where one layer attends; see `Network.layer_attention`."""
        inputs = {"hidden": hidden, "roles": roles, "zone_table": zone_table}
        found: Mapping[str, Any] = self._attention[layer](inputs)
        return found

    def head(self, hidden: Any, roles: np.ndarray) -> Any:
        """Returns the head's logits; see `Network.head`."""
        return self._head({"hidden": hidden, "roles": roles})

    @cached_property
    def _embed(self) -> CompiledFunction:
        return self._compile(lambda inputs: self.reader.encoder.embed(**inputs))

    @cached_property
    def _layers(self) -> list[CompiledFunction]:
        return self._compile_layers(self.reader.encoder.run_layer)

    @cached_property
    def _rows(self) -> list[CompiledFunction]:
        return self._compile_layers(self.reader.encoder.run_rows)

    @cached_property
    def _attention(self) -> list[CompiledFunction]:
        return self._compile_layers(self.reader.encoder.layer_attention)

    def _compile_layers(
        self, run: Callable[[int, dict[str, Any]], Any]
    ) -> list[CompiledFunction]:
        """Compiles what runs a layer under a table that is given, for every layer."""
        encoder = self.reader.encoder
        variables = [
            variables_but_tables(encoder.block(layer))
            for layer in range(self.num_layers)
        ]
        first = CompiledFunction(partial(run, 0), variables[0])
        others = [
            first.with_variables(partial(run, layer), variables[layer])
            for layer in range(1, self.num_layers)
        ]
        return [first, *others]

    @cached_property
    def _take_rows(self) -> CompiledFunction:
        return CompiledFunction(
            lambda inputs: take_rows(inputs["hidden"], inputs["rows"]), []
        )

    @cached_property
    def _head(self) -> CompiledFunction:
        return self._compile(lambda inputs: self.reader.head(**inputs))

    def _compile(self, function: Callable[[dict[str, Any]], Any]) -> CompiledFunction:
        return CompiledFunction(function, self.reader.variables)

    def fingerprint(self) -> str:
        """Returns a SHA-256 of the weights and of what kind the head is."""
        return hash_arrays(
            (variable_value(variable) for variable in parameters(self.reader)),
            self.reader.head_kind,
        )


def run_rows_in_slices(
    run: Callable[[dict[str, Any]], Any], hidden: Any, rows: Mapping[str, np.ndarray]
) -> Any:
    """Runs chosen rows, on a CPU a few examples at a time.

    No more rows run at once than the batch has tokens, so that a layer's intermediate
    results stay in the CPU's cache. The slices are equal, so that one batch shape makes
    one program.

    Args:
        run: Takes `hidden` and `rows` in one dictionary, returns a tensor [B, M, D].
        hidden: Tensor [B, T, D].
        rows: As in `Network.run_rows`.

    Returns:
        Tensor [B, M, D].
    """
    batch, length = rows["roles"].shape
    wanted = min(batch, -(-rows["rows"].shape[1] // length))
    if wanted == 1 or not runs_on_cpu():
        return run({"hidden": hidden, **rows})
    num_slices = next(num for num in range(wanted, batch + 1) if batch % num == 0)
    size = batch // num_slices
    parts = []
    for start in range(0, batch, size):
        own = slice(start, start + size)
        part = {name: rows[name][own] for name in ("roles", "rows", "gate_rows")}
        parts.append(run({"hidden": hidden[own], **part, "gates": rows["gates"]}))
    return keras.ops.concatenate(parts, axis=0)


def parameters(reader: Reader) -> list[Any]:
    """Returns the reader's weights in a fixed order, without its zone tables."""
    return list(reader.trainable_variables)


def variables_but_tables(block: ZoneBlock) -> list[Any]:
    """Returns a block's variables without zone tables, as many in every block.

    A block has a table for each layer that it serves.
    """
    tables = {id(table) for table in block.attention.zone_tables}
    return [variable for variable in block.variables if id(variable) not in tables]


def hash_arrays(arrays: Iterable[np.ndarray], kind: str = "") -> str:
    """Returns the SHA-256 of arrays' shapes, dtypes and bytes, in order.

    Args:
        arrays: The arrays.
        kind: Hashed before them.
    """
    digest = hashlib.sha256(kind.encode())
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()

"""`Client`: questions to a served reader, each with its own mask.

It needs `requests` (REST), or `grpcio` and `tensorflow-serving-api` (gRPC); they are in
the extra `serving`. Over REST neither TensorFlow nor Keras is imported; over gRPC the
messages import TensorFlow.

Every request is a pure function of its inputs, so a request that failed on its way is
sent again. What is larger than the limits is sent in parts.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from zonekeras.defaults import SERVED_ROWS
from zonekeras.downloading.http_files import Patience
from zonekeras.errors import InputError
from zonekeras.serving.rows import Row, group_rows, group_windows, make_rows
from zonekeras.serving.served_answer import ServedAnswer
from zonekeras.serving.transport import (
    AVAILABLE,
    ServedModel,
    ServerError,
    Transport,
    UnavailableError,
)
from zonekeras.zones import BASELINE, Configuration

if TYPE_CHECKING:
    from zonekeras.analysis.sweep_result import SweepResult
    from zonekeras.data.squad import SquadDataset
    from zonekeras.sweeping.progress import Progress

MAX_REQUEST_BYTES = 4 << 20
"""What a request may have; what gRPC servers take by default."""

ANSWER_SIGNATURE = "answer"
LOGITS_SIGNATURE = "serving_default"

_PATIENCE = Patience(num_attempts=5, wait_seconds=0.5, timeout_seconds=120.0)
_ANSWER_OUTPUTS = ("answer", "start", "end", "score", "null_score", "error")
_Result = TypeVar("_Result")


class Client:
    """A reader on a TensorFlow Serving server.

    Axis letters: `B` rows, `T` tokens, `L` layers, `N` heads, `R` roles.

    Args:
        address: `http://host:8501` or `https://…` for REST; `grpc://host:8500` for
            gRPC.
        model: The model's name on the server.
        version: Its version; if left out, the server chooses, mostly the latest.
        label: A version's label, in place of its number.
        patience: How often and how long to try, and how long the server may be silent.
        max_rows: Most questions or windows in a request: at most the server's
            `max_batch_size`.
        max_request_bytes: Most bytes of questions, passages and masks, or of windows
            and tables, in a request.

    Raises:
        InputError: If an argument cannot be used. Every method raises it when the
            server rejects a request, and `ServerError` when the server cannot be
            reached or fails.

    Example:
        >>> passage = "The mill was built by Ada Brook."
        >>> with Client("http://localhost:8501", "reader") as client:
        ...     answer = client.answer("Who built it?", passage)
        ...     masked = client.answer("Who built it?", passage, "layer1:p2q")
        >>> answer.text == passage[answer.start : answer.end]
        True
    """

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        patience: Patience = _PATIENCE,
        max_rows: int = SERVED_ROWS,
        max_request_bytes: int = MAX_REQUEST_BYTES,
    ) -> None:
        for name, value in (
            ("max_rows", max_rows),
            ("max_request_bytes", max_request_bytes),
        ):
            if value < 1:
                raise InputError(f"Expected {name} of at least 1. Received: {value}.")
        self.address = address
        self._patience = patience
        self._max_rows = max_rows
        self._max_request_bytes = max_request_bytes
        self._transport = _connect(
            address, ServedModel(model, version, label), patience.timeout_seconds
        )

    def __enter__(self) -> Client:
        """Returns the client itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Closes the connection."""
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    @property
    def model(self) -> ServedModel:
        """Which model of the server."""
        return self._transport.model

    def answer(
        self, question: str, passage: str, mask: str | Configuration = BASELINE
    ) -> ServedAnswer:
        """Answers one question about one passage.

        Args:
            question: The question.
            passage: The passage, of any length that the server's export allows.
            mask: What to mask, such as `layer3:p2q`.

        Raises:
            InputError: If the mask is not valid, or the server cannot answer this row.
        """
        [answer] = self.answer_all([question], [passage], [mask])
        if answer.error:
            raise InputError(
                "Expected a question, a passage and a mask that the server can use. "
                f"Received its error: {answer.error}"
            )
        return answer

    def answer_all(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        masks: Sequence[str | Configuration],
    ) -> list[ServedAnswer]:
        """Answers many rows, each with its own passage and mask.

        Args:
            questions: The questions, B of them.
            passages: The passage of each.
            masks: What to mask for each; `baseline` or an empty string for nothing.

        Returns:
            The answers, in order. A row that the server cannot answer has its `error`,
            and does not affect the others.

        Raises:
            InputError: If the lengths differ, a text or mask is not valid, or a row
                alone is larger than `max_request_bytes`.
        """
        rows = make_rows(questions, passages, masks)
        answers: list[ServedAnswer] = []
        for group in group_rows(rows, self._max_rows, self._max_request_bytes):
            answers += self._answer_group(group)
        return answers

    def logits(
        self, inputs: Mapping[str, npt.ArrayLike], zone_tables: npt.ArrayLike
    ) -> npt.NDArray[np.float32]:
        """Returns the bare logits of encoded windows.

        Args:
            inputs: `token_ids`, `segment_ids` and `roles`, int32 `[B, T]`.
            zone_tables: float32 `[B, L, 1 or N, R, R]`; 1 = may attend.

        Returns:
            float32 `[B, T, 2]`, start and end logits.

        Raises:
            InputError: If the numbers of windows differ, or a window alone is larger
                than `max_request_bytes`; or if logits are not finite, as for ids that
                the model does not have. The rows are named.
        """
        tensors = {
            name: np.asarray(inputs[name], np.int32)
            for name in ("token_ids", "segment_ids", "roles")
        }
        tensors["zone_tables"] = np.asarray(zone_tables, np.float32)
        parts = [np.zeros((0, *tensors["token_ids"].shape[1:], 2), np.float32)]
        for group in group_windows(tensors, self._max_rows, self._max_request_bytes):
            parts.append(self._logits_of_group(group))
        logits = np.concatenate(parts)
        broken = np.flatnonzero(~np.isfinite(logits).all(axis=(1, 2)))
        if len(broken):
            raise InputError(
                "Expected token_ids, segment_ids and roles that the model has, and "
                "finite logits. Received: NaN or infinity from the server for the rows "
                f"{', '.join(map(str, broken))}, counted from 0."
            )
        return logits

    def num_layers(self) -> int:
        """Returns how many layers the model has."""
        shapes = self._retrying(self._transport.signatures)
        shape = shapes.get(LOGITS_SIGNATURE, {}).get("zone_tables", ())
        if len(shape) != 5 or shape[1] < 1 or ANSWER_SIGNATURE not in shapes:
            raise InputError(
                f"Expected a model that zonekeras exported. Received: {self.model} at "
                f"{self.address}, with the signatures {', '.join(sorted(shapes))}."
            )
        return shape[1]

    def at_version(self) -> Client:
        """Returns a client of the one version that answers now.

        A server that takes up a newer version later does not change what it answers.
        Both clients share the connection.

        Raises:
            ServerError: If no version is available.
        """
        states = self._retrying(self._transport.states)
        ready = [version for version, state in states.items() if state == AVAILABLE]
        if not ready:
            shown = ", ".join(f"{key} {state}" for key, state in states.items())
            raise ServerError(
                f"Expected a version of {self.model} that is available. Received: "
                f"{shown or 'none'}. Wait until the server has loaded it."
            )
        pinned = copy.copy(self)
        pinned._transport = self._transport.at(
            ServedModel(self.model.name, version=max(ready))
        )
        return pinned

    def sweep(
        self,
        dev: SquadDataset | str | os.PathLike[str],
        output_dir: str | os.PathLike[str] | None = None,
        *,
        configurations: Iterable[str | Configuration] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        overwrite: bool = False,
        **settings: Any,
    ) -> SweepResult:
        """Sweeps the served model; see `serving.server_sweep.sweep_server`."""
        from zonekeras.serving.server_sweep import sweep_server

        return sweep_server(
            self,
            dev,
            output_dir,
            configurations=configurations,
            on_progress=on_progress,
            overwrite=overwrite,
            **settings,
        )

    def _answer_group(self, rows: Sequence[Row]) -> list[ServedAnswer]:
        """Sends one request."""
        columns = map(list, zip(*rows, strict=True))
        inputs = dict(zip(Row._fields, columns, strict=True))
        outputs = self._retrying(
            lambda: self._transport.predict(ANSWER_SIGNATURE, inputs)
        )
        self._check_outputs(outputs, _ANSWER_OUTPUTS, len(rows))
        return [
            ServedAnswer(text, int(start), int(end), float(score), float(null), error)
            for text, start, end, score, null, error in zip(
                *(outputs[name] for name in _ANSWER_OUTPUTS), strict=True
            )
        ]

    def _logits_of_group(
        self, tensors: Mapping[str, npt.NDArray[Any]]
    ) -> npt.NDArray[np.float32]:
        """Sends one request."""
        outputs = self._retrying(
            lambda: self._transport.predict(LOGITS_SIGNATURE, tensors)
        )
        names = ("start_logits", "end_logits")
        self._check_outputs(outputs, names, len(tensors["token_ids"]))
        return np.stack([np.asarray(outputs[n], np.float32) for n in names], axis=-1)

    def _check_outputs(
        self, outputs: Mapping[str, Any], names: Iterable[str], num_rows: int
    ) -> None:
        """Refuses outputs that are not those of one of our models."""
        found = {name: outputs.get(name) for name in names}
        faults = [
            name
            for name, rows in found.items()
            if not isinstance(rows, list) or len(rows) != num_rows
        ]
        if faults:
            raise ServerError(
                f"Expected {num_rows} rows of {', '.join(faults)} from {self.model} at "
                f"{self.address}. Received: others; export the model with this version "
                "of zonekeras."
            )

    def _retrying(self, call: Callable[[], _Result]) -> _Result:
        """Calls, and again after failures that may pass, waiting twice as long."""
        for attempt in range(1, self._patience.num_attempts):
            try:
                return call()
            except UnavailableError:
                time.sleep(self._patience.wait_seconds * 2 ** (attempt - 1))
        try:
            return call()
        except UnavailableError as error:
            raise UnavailableError(
                f"Expected an answer from the server. Received: {error}; "
                f"{self._patience.num_attempts} times in a row. Check that it runs and "
                "that the address and its port are right."
            ) from error


def _connect(address: str, model: ServedModel, timeout_seconds: float) -> Transport:
    """Chooses the transport by the address."""
    scheme, separator, target = address.partition("://")
    if not separator or not target or scheme not in ("http", "https", "grpc"):
        raise InputError(
            "Expected http://host:port, https://host:port or grpc://host:port. "
            f"Received: {address!r}."
        )
    try:
        if scheme == "grpc":
            from zonekeras.serving.grpc_transport import GrpcTransport

            return GrpcTransport(target.rstrip("/"), model, timeout_seconds)
        from zonekeras.serving.rest_transport import RestTransport

        return RestTransport(address, model, timeout_seconds)
    except ModuleNotFoundError as error:
        raise InputError(
            f"Expected the package {error.name} for {scheme}://. Received: a Python "
            "without it. Install it: pip install 'zonekeras[serving]'."
        ) from error

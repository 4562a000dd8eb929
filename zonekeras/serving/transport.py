"""What the client needs of a server, whichever way it is reached.

There are two ways, `RestTransport` and `GrpcTransport`. They translate tensors to
messages and back, and a server's refusals to exceptions. The client splits requests,
waits and tries again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from zonekeras.errors import InputError

MODEL_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
"""Names of models that need no quoting in addresses, paths and configuration files."""

Tensors = Mapping[str, Any]
"""Name -> nested lists of numbers, strings or bytes, or a NumPy array of numbers."""

SignatureShapes = dict[str, dict[str, tuple[int, ...]]]
"""Signature -> input -> its dimensions; -1 where any size will do."""

AVAILABLE = "AVAILABLE"
"""The state of a version that answers."""


class ServerError(ConnectionError):
    """A server that cannot be reached or does not do what it should; one line."""


class UnavailableError(ServerError):
    """A failure that may pass: the same request may succeed a little later."""


@dataclass(frozen=True)
class ServedModel:
    """Which model of a server.

    Attributes:
        name: Its name there.
        version: Its version; None lets the server choose, mostly the latest.
        label: A version's label in place of its number.

    Raises:
        InputError: If the name is not valid, or version and label are both given.
    """

    name: str
    version: int | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        """Checks the names."""
        faults = [
            f"{what}={text!r}"
            for what, text in (("model", self.name), ("label", self.label))
            if text is not None and not MODEL_NAME.fullmatch(text)
        ]
        if faults:
            raise InputError(
                "Expected letters, digits, dots, dashes and underscores. "
                f"Received: {', '.join(faults)}. Use the name in models.config."
            )
        if self.version is not None and self.label is not None:
            raise InputError(
                f"Expected a version or a label. Received: version={self.version} and "
                f"label={self.label!r}; leave one out."
            )

    def __str__(self) -> str:
        """Returns the name, with version or label where one is chosen."""
        chosen = self.version if self.label is None else self.label
        return self.name if chosen is None else f"{self.name} ({chosen})"


class Transport(Protocol):
    """A connection to one model of a server.

    Every method raises `InputError` if the server rejects the request,
    `UnavailableError` for failures that may pass, and `ServerError` for all others.
    """

    model: ServedModel

    def predict(self, signature: str, inputs: Tensors) -> dict[str, Any]:
        """Calls a signature; returns its outputs as nested lists."""

    def states(self) -> dict[int, str]:
        """Returns the state of every version, such as `AVAILABLE`."""

    def signatures(self) -> SignatureShapes:
        """Returns the shapes of all inputs."""

    def at(self, model: ServedModel) -> Transport:
        """Returns a transport to another model or version over the same connection."""

    def close(self) -> None:
        """Closes the connection."""

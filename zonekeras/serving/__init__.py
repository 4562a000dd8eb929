"""Serving: readers behind a server, and the client that asks them.

`Client` asks a TensorFlow Serving server and sweeps it, without TensorFlow or Keras.
What is exported, and the files a server needs, are made by the other modules. Imported
when first used, so that a client's machine needs none of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zonekeras.serving.client import Client as Client
    from zonekeras.serving.client import ServedAnswer as ServedAnswer
    from zonekeras.serving.transport import ServerError as ServerError

__all__ = ["Client", "ServedAnswer", "ServerError"]

_HOMES = {
    "Client": "zonekeras.serving.client",
    "ServedAnswer": "zonekeras.serving.client",
    "ServerError": "zonekeras.serving.transport",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'zonekeras.serving' has no attribute {name!r}")

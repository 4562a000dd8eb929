"""Serving: readers behind a server, and the client that asks them.

`Client` asks a TensorFlow Serving server and sweeps it, without TensorFlow or Keras.
What is exported, and the files a server needs, are made by the other modules. Imported
when first used, so that a client's machine needs none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonekeras.lazy_names import lazy_names

if TYPE_CHECKING:
    from zonekeras.serving.client import Client as Client
    from zonekeras.serving.served_answer import ServedAnswer as ServedAnswer
    from zonekeras.serving.transport import ServerError as ServerError

__all__ = ["Client", "ServedAnswer", "ServerError"]

_HOMES = {
    "Client": "zonekeras.serving.client",
    "ServedAnswer": "zonekeras.serving.served_answer",
    "ServerError": "zonekeras.serving.transport",
}

__getattr__ = lazy_names(__name__, _HOMES)

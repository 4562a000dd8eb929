"""Serving: readers behind a server, and the client that asks them.

`Client` asks a TensorFlow Serving server and sweeps it; over REST it needs neither
TensorFlow nor Keras. The other modules make the files that a server needs. They are
imported when first used, so that a client's machine needs none of them.
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

"""How signatures say what shape a tensor has.

`Annotated[Tensor, "B N T H"]` is a tensor of whatever backend runs, with these axes; a
module declares its axis letters once. Type checkers see `Any`: a tensor is of another
class on every backend, and Keras has none for all. `tests/shapes.py` holds functions to
what their signatures say.
"""

from __future__ import annotations

from typing import Any

Tensor = Any

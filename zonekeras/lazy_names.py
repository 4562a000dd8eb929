"""Public names of a package that are imported when they are first used.

So a package can name what needs Keras, and importing it loads nothing heavy.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Returns a package's `__getattr__`.

    Args:
        package: Its `__name__`.
        homes: Public name -> the module that defines it; a module that is itself the
            public name has its own as its home.

    Example:
        >>> get = lazy_names("zonekeras", {"Zone": "zonekeras.zones"})
        >>> get("Zone").__name__
        'Zone'
    """

    def get_name(name: str) -> Any:
        """Imports a public name; the package has it from then on."""
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = importlib.import_module(homes[name])
        value = home if homes[name] == f"{package}.{name}" else getattr(home, name)
        setattr(sys.modules[package], name, value)
        return value

    return get_name

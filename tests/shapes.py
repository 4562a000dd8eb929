"""Holds functions to the shapes that their signatures declare."""

import inspect
from typing import get_type_hints


def checked_call(function, *arguments, **keywords):
    """Calls a function; every axis letter must mean one size in all that it declares.

    Returns:
        What it returns, and the size of each letter.
    """
    hints = get_type_hints(function, include_extras=True)
    result = function(*arguments, **keywords)
    bound = inspect.signature(function).bind(*arguments, **keywords).arguments
    sizes = {}
    for name, value in {**bound, "return": result}.items():
        _check(name, hints.get(name), value, sizes)
    return result, sizes


def _check(name, hint, value, sizes):
    if hasattr(hint, "_fields"):
        parts = get_type_hints(hint, include_extras=True)
        for part in hint._fields:
            _check(f"{name}.{part}", parts[part], getattr(value, part), sizes)
    elif hasattr(hint, "__metadata__"):
        [axes] = hint.__metadata__
        shape = tuple(value.shape)
        letters = axes.split()
        assert len(letters) == len(shape), (name, axes, shape)
        for letter, size in zip(letters, shape, strict=True):
            known = 1 if letter == "1" else sizes.setdefault(letter, size)
            assert size == known, (name, axes, shape, sizes)
    elif hint is not None and hasattr(value, "shape"):
        raise AssertionError(f"{name} declares no shape")

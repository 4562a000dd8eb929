"""Holds functions to the shapes that their signatures declare."""

import inspect
from typing import Union, get_args, get_origin, get_type_hints


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


def _without_dots(letters, shape, sizes):
    """Takes the axes that "..." stands for out of a shape; they are one size, too."""
    if "..." not in letters:
        return letters, shape
    place = letters.index("...")
    end = len(shape) - (len(letters) - 1 - place)
    assert sizes.setdefault("...", shape[place:end]) == shape[place:end], shape
    return [*letters[:place], *letters[place + 1 :]], shape[:place] + shape[end:]


def _check(name, hint, value, sizes):
    if get_origin(hint) is Union:  # with None, where it may be left out
        hint = get_args(hint)[0]
    if hasattr(hint, "_fields"):
        parts = get_type_hints(hint, include_extras=True)
        for part in hint._fields:
            _check(f"{name}.{part}", parts[part], getattr(value, part), sizes)
    elif hasattr(hint, "__metadata__"):
        [axes] = hint.__metadata__
        shape = tuple(value.shape)
        letters, shape = _without_dots(axes.split(), shape, sizes)
        assert len(letters) == len(shape), (name, axes, shape)
        for letter, size in zip(letters, shape, strict=True):
            known = 1 if letter == "1" else sizes.setdefault(letter, size)
            assert size == known, (name, axes, shape, sizes)
    elif hint is not None and hasattr(value, "shape"):
        raise AssertionError(f"{name} declares no shape")

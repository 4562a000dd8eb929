"""What the scripts of a page call items and groups."""

from __future__ import annotations

from zonekeras.tasks.words import Words


def page_words(words: Words) -> dict[str, str]:
    """Returns placeholder of the scripts -> word."""
    return {
        "__items__": words.items,
        "__Items__": words.items.capitalize(),
        "__item__": words.item,
        "__Item__": words.item.capitalize(),
        "__groups__": words.groups,
    }

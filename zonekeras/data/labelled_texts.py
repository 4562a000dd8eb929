"""Texts, or pairs of texts, each with the class that it is of.

What was read of a file (`data.labelled_texts_file`), and how the store keeps it. Gold
labels are as the file has them, names or indices: which classes there are is the
model's to say, and `gold_classes` looks them up. No tokens, no scores.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.files.json_files import shown

_MOST_SHOWN = 4
_KEYS = "keys_of_pairs"


@dataclass(frozen=True)
class LabelledText:
    """A text or a pair of texts, with its gold label.

    Attributes:
        id: Its name in predictions.
        text: The text, or the first of a pair.
        text_pair: The second of a pair; None of a single text.
        label: The class by its name, or by its index among the model's.
        group: What it belongs to, such as a source, if the file says so.
    """

    id: str
    text: str
    text_pair: str | None
    label: str | int
    group: str | None = None


@dataclass(frozen=True)
class LabelledTexts:
    """The content of a file: single texts, or pairs.

    Attributes:
        path: The file it was read from.
        texts: The texts, in file order.
        num_skipped: How many lines `skip_bad` left out.
        keys: What the file calls the two texts of a pair, such as premise and
            hypothesis; None of single texts, and where it has no names of its own.
    """

    path: str
    texts: tuple[LabelledText, ...]
    num_skipped: int = 0
    keys: tuple[str, str] | None = None

    @property
    def has_pairs(self) -> bool:
        """Whether these are pairs; else single texts."""
        return any(item.text_pair is not None for item in self.texts)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of ids, texts, labels and groups, in order."""
        rows = [list(asdict(item).values()) for item in self.texts]
        return hashlib.sha256(json.dumps(rows).encode("ascii")).hexdigest()

    def groups(self) -> npt.NDArray[np.int64]:
        """Returns the group of each text or pair, int64 [I].

        That is the file's, where it names one. Else pairs with equal first texts are a
        group, and a single text is one by itself.
        """
        known: dict[tuple[str, ...], int] = {}
        keys = [
            ("group", item.group)
            if item.group is not None
            else ("item", item.id)
            if item.text_pair is None
            else ("text", item.text)
            for item in self.texts
        ]
        return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


def to_json_lines(dataset: LabelledTexts) -> str:
    """Writes a data set as JSON lines; `from_json_lines` reads it back.

    The first line has the keys of pairs, if there are any.
    """
    items = map(asdict, dataset.texts)
    keys = [] if dataset.keys is None else [{_KEYS: dataset.keys}]
    return "".join(
        json.dumps(line, ensure_ascii=False) + "\n" for line in (*keys, *items)
    )


def from_json_lines(text: str, path: str) -> LabelledTexts:
    """Reads what `to_json_lines` wrote; the fingerprint is the same.

    Args:
        text: The lines.
        path: What the data set says it was read from.
    """
    lines = text.removesuffix("\n").split("\n")  # not at what else ends a line
    items = list(map(json.loads, lines))
    keys = tuple(items.pop(0)[_KEYS]) if _KEYS in items[0] else None
    return LabelledTexts(path, tuple(LabelledText(**item) for item in items), keys=keys)


def label_names(dataset: LabelledTexts) -> tuple[str, ...]:
    """Returns the classes of a file that a new model is to learn, in sorted order.

    Numbers are classes by their index, which are named by these numbers.

    Raises:
        InputError: If there are not two classes, some are named and others numbered, or
            the numbers do not go from 0 up without a gap.

    Example:
        >>> texts = (
        ...     LabelledText("a", "It is.", None, "yes"),
        ...     LabelledText("b", "Nothing is.", None, "no"),
        ... )
        >>> label_names(LabelledTexts("two.jsonl", texts))
        ('no', 'yes')
    """
    found = {item.label for item in dataset.texts}
    names = sorted(label for label in found if isinstance(label, str))
    numbers = sorted(label for label in found if isinstance(label, int))
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    is_gapless = numbers == list(range(len(numbers)))
    if len(found) > 1 and not (names and numbers) and is_gapless:
        return tuple(names) or tuple(map(str, numbers))
    raise InputError(
        f"Expected two classes or more in {dataset.path}, all by their names, or all "
        "by numbers from 0 up without a gap. Received: "
        f"{_listed([shown(label) for label in (*names, *numbers)])}. Write names as "
        "texts, also those that are numbers."
    )


def gold_classes(
    dataset: LabelledTexts, labels: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Returns the gold class of each text or pair, int64 [I].

    A label is one of the names; or else an index, a number or its digits.

    Args:
        dataset: The texts.
        labels: The names of the model's classes, in the order of its logits; each once.

    Raises:
        InputError: If a text has another label.

    Example:
        >>> texts = (
        ...     LabelledText("a", "It is.", None, "yes"),
        ...     LabelledText("b", "Nothing is.", None, 0),
        ... )
        >>> gold_classes(LabelledTexts("two.jsonl", texts), ["no", "yes"]).tolist()
        [1, 0]
    """
    index_of: dict[str | int, int] = {name: row for row, name in enumerate(labels)}
    for row in range(len(labels)):
        index_of[row] = row
        index_of.setdefault(str(row), row)
    unknown = Counter(
        shown(item.label) for item in dataset.texts if item.label not in index_of
    )
    if unknown:
        first = next(item for item in dataset.texts if item.label not in index_of)
        raise InputError(
            f"Expected gold labels in {dataset.path} that are classes of the model: "
            f"{_listed(labels)}, or an index from 0 to {len(labels) - 1}. Received: "
            f"{_listed(list(unknown))} in {unknown.total()} of {len(dataset.texts)} "
            f"items, the first {first.id!r}. Write the model's names into the file, or "
            "take the model that belongs to it."
        )
    return np.array([index_of[item.label] for item in dataset.texts], np.int64)


def _listed(names: Sequence[str]) -> str:
    """Lists a few names, and says how many others there are."""
    others = len(names) - _MOST_SHOWN
    listed = ", ".join(names[:_MOST_SHOWN])
    return f"{listed} and {others} others" if others > 0 else listed

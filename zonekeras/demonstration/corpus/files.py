"""The corpus in SQuAD's form, in memory and as files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal, get_args

from zonekeras.demonstration.corpus.drawing import Part, draw_story
from zonekeras.demonstration.corpus.draws import Draws
from zonekeras.demonstration.corpus.kinds import Split
from zonekeras.demonstration.corpus.story import Asked, Story
from zonekeras.demonstration.corpus.vocabulary import vocabulary
from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write

PartOrMix = Literal["simple", "single", "bridge", "long", "mix"]

_SIX: tuple[Part, ...] = ("single", "single", "bridge", "single", "single", "single")

MIX: tuple[Part, ...] = (*_SIX, *_SIX, *_SIX, "long")
"""The parts of each 19 passages of a mix, in this order."""


def make_corpus(
    *,
    seed: int = 0,
    num_passages: int = 1000,
    part: PartOrMix = "mix",
    split: Split = "train",
    unanswerable_share: float = 0.0,
) -> dict[str, Any]:
    """Makes passages and questions.

    Args:
        seed: Other seeds give other passages.
        num_passages: How many; the first ones do not depend on it.
        part: `simple`, `single`, `bridge`, `long` (see `corpus.drawing`), or `mix` for
            the last three.
        split: Names and passages of `dev` never occur in `train`.
        unanswerable_share: Share of questions that have no answer. Above 0 the
            corpus is in the form of SQuAD 2.0.

    Returns:
        The content of a SQuAD-format file. A question's id starts with its part.

    Raises:
        InputError: If an argument is none of those.

    Example:
        >>> corpus = make_corpus(num_passages=1, part="single")
        >>> corpus["data"][0]["paragraphs"][0]["qas"][0]["id"]
        'single-train-000000-0'
    """
    _check(num_passages, part, split, unanswerable_share)
    articles = []
    for number in range(num_passages):
        drawn: Part = MIX[number % len(MIX)] if part == "mix" else part
        key = f"{drawn}-{split}-{number:06d}"
        draws = Draws(f"{seed}-{key}-{unanswerable_share!r}")
        story = draw_story(draws, drawn, split, unanswerable_share)
        paragraph = _paragraph(story, key, unanswerable_share > 0)
        articles.append({"title": key, "paragraphs": [paragraph]})
    version = "1.1" if unanswerable_share == 0 else "v2.0"
    return {"version": version, "data": articles}


def write_corpus(
    directory: str | os.PathLike[str],
    *,
    seed: int = 0,
    num_train_passages: int = 10_000,
    num_dev_passages: int = 180,
    part: PartOrMix = "mix",
    unanswerable_share: float = 0.0,
) -> None:
    """Writes `train.json`, `dev.json` and `vocab.txt`.

    Args:
        directory: Where; made if it is not there.
        seed: As in `make_corpus`.
        num_train_passages: Passages of `train.json`.
        num_dev_passages: Passages of `dev.json`.
        part: As in `make_corpus`.
        unanswerable_share: As in `make_corpus`.

    Raises:
        InputError: If an argument is not as in `make_corpus`.
    """
    sizes: dict[Split, int] = {"train": num_train_passages, "dev": num_dev_passages}
    contents = {
        f"{split}.json": json.dumps(
            make_corpus(
                seed=seed,
                num_passages=num_passages,
                part=part,
                split=split,
                unanswerable_share=unanswerable_share,
            )
        )
        for split, num_passages in sizes.items()
    }
    contents["vocab.txt"] = "\n".join(vocabulary())
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        atomic_write(folder / name, content + "\n")


def _paragraph(story: Story, key: str, with_impossible: bool) -> dict[str, Any]:
    """Returns a story as SQuAD has it."""
    questions = []
    for number, asked in enumerate(story.asked):
        entry: dict[str, Any] = {
            "id": f"{key}-{number}",
            "question": asked.text,
            "answers": _answers(story, asked),
        }
        if with_impossible:
            entry["is_impossible"] = not asked.support
        questions.append(entry)
    return {"context": story.text, "qas": questions}


def _answers(story: Story, asked: Asked) -> list[dict[str, Any]]:
    """Returns a question's one answer, or none."""
    if asked.answer is None:
        return []
    start = story.answer_start(asked)
    text = story.text[start : start + len(asked.answer)]
    return [{"text": text, "answer_start": start}]


def _check(num_passages: int, part: str, split: str, unanswerable_share: float) -> None:
    """Refuses arguments that name nothing."""
    if num_passages < 1:
        raise InputError(
            f"Expected at least one passage. Received: num_passages={num_passages}."
        )
    for name, value, choices in (
        ("part", part, get_args(PartOrMix)),
        ("split", split, get_args(Split)),
    ):
        if value not in choices:
            raise InputError(
                f"Expected {name} to be one of {', '.join(choices)}. "
                f"Received: {name}={value!r}."
            )
    if not 0 <= unanswerable_share <= 1:
        raise InputError(
            "Expected unanswerable_share to be from 0 to 1. "
            f"Received: unanswerable_share={unanswerable_share}."
        )

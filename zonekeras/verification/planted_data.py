"""The dev set of the planted model: gems and their colors.

Each passage names four gems, in an order of its own. A *color word* says which of them
is the answer: it stands in the question ("which gem is red?"), or in the passage ("the
label says red."), and nowhere else. All colors are asked for equally often, and nothing
but the color word tells the answer, so a reader that cannot see it is right one time in
four.
"""

from __future__ import annotations

import numpy as np

from zonekeras.data.squad import Answer, Passage, Question, SquadDataset
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

COLORS = ("red", "blue", "green", "yellow")
GEMS = ("ruby", "sapphire", "emerald", "topaz")
"""The gem of each color, in the order of `COLORS`."""

LAST_WORD = "?"
"""The last token of every question; it stands in no passage."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_OTHER_WORDS = tuple("which gem is meant the label says here lie and an old .".split())
_FILLERS = tuple("box lamp coin ring key map shell bell".split())
VOCABULARY = (*_SPECIAL, *COLORS, *GEMS, LAST_WORD, *_OTHER_WORDS, *_FILLERS)

CHANCE = 100.0 / len(COLORS)
"""Exact match, in points, of a reader that does not see the color word."""

MAX_SEQ_LENGTH = 41
"""Tokens of a window: the longest passage fits, and all leave room for padding."""


def planted_tokenizer() -> ReaderTokenizer:
    """Returns a WordPiece tokenizer to which every word of the data is one token."""
    return ReaderTokenizer.from_wordpiece(VOCABULARY, lowercase=True)


def planted_dataset(*, color_in_question: bool, num_questions: int) -> SquadDataset:
    """Builds the dev set, always the same one.

    Args:
        color_in_question: Whether the color word stands in the question; then a passage
            has a question for each color. Otherwise it has one question.
        num_questions: Questions, a multiple of the number of colors.

    Raises:
        ValueError: If the colors cannot be asked for equally often.
    """
    if num_questions % len(COLORS):
        raise ValueError(
            f"expected a multiple of {len(COLORS)} questions. "
            f"Received: num_questions={num_questions}."
        )
    generator = np.random.default_rng(0)
    colors = range(len(COLORS))
    asked = [[color] for _ in range(num_questions // len(COLORS)) for color in colors]
    if color_in_question:
        asked = [list(colors)] * (num_questions // len(COLORS))
    passages = tuple(
        _passage(number, of_passage, color_in_question, generator)
        for number, of_passage in enumerate(asked)
    )
    return SquadDataset("planted", passages, False, 0, 0)


def _passage(
    number: int,
    asked: list[int],
    color_in_question: bool,
    generator: np.random.Generator,
) -> Passage:
    """Builds a passage with a question for each color asked for."""
    gems = [str(gem) for gem in generator.permutation(GEMS)]
    fillers = [str(word) for word in generator.choice(_FILLERS, 2 + number % 5)]
    lying = [str(word) for word in generator.permutation([*gems, *fillers])]
    text = f"here lie {' '.join(lying)} and an old {generator.choice(_FILLERS)}."
    if not color_in_question:
        text = f"the label says {COLORS[asked[0]]}. {text}"
    questions = []
    for color in asked:
        word = COLORS[color] if color_in_question else "meant"
        answer = Answer(GEMS[color], text.index(GEMS[color]))
        questions.append(
            Question(
                f"passage{number}-{COLORS[color]}", f"which gem is {word}?", (answer,)
            )
        )
    return Passage("Planted", text, tuple(questions))

"""Tiny files of labelled texts and pairs, for tiny classifiers."""

import json

import numpy as np

from tests.builders import LABELS, WORDS


def tiny_texts(*, pairs=True, num=11, seed=0, labels=LABELS):
    """Returns the lines of a file: pairs share first texts, two by two.

    Some are labelled by name and some by index, and none is as long as another.
    """
    generator = np.random.default_rng(seed)
    lines = []
    for number in range(num):
        first = WORDS[2 * (number // 2) :][: 2 + number // 2]
        second = list(generator.choice(WORDS, 1 + number))
        label = int(generator.integers(len(labels)))
        line = {"id": f"item{number}", "text": " ".join(first), "label": label}
        if pairs:
            line["text_pair"] = " ".join(second)
        else:
            line["text"] = " ".join(second)
        if number % 2:
            line["label"] = labels[label]
        lines.append(line)
    return lines


def write_lines(path, lines):
    """Writes JSON lines and returns their path as text."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return str(path)

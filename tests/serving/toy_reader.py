"""A reader in a few lines, with the signatures of an exported one.

It knows no language: where an answer is depends on the question's letters, the
passage's length and the mask's letters: other rows and masks, other answers.
"""

import numpy as np

from zonekeras.errors import InputError
from zonekeras.zones import parse_configuration

NUM_LAYERS = 3
NUM_HEADS = 2

SIGNATURES = {
    "answer": {
        "inputs": {
            "question": ("DT_STRING", [-1]),
            "passage": ("DT_STRING", [-1]),
            "mask": ("DT_STRING", [-1]),
        },
        "outputs": {
            "answer": ("DT_STRING", [-1]),
            "start": ("DT_INT32", [-1]),
            "end": ("DT_INT32", [-1]),
            "score": ("DT_FLOAT", [-1]),
            "null_score": ("DT_FLOAT", [-1]),
            "error": ("DT_STRING", [-1]),
        },
    },
    "serving_default": {
        "inputs": {
            "token_ids": ("DT_INT32", [-1, -1]),
            "segment_ids": ("DT_INT32", [-1, -1]),
            "roles": ("DT_INT32", [-1, -1]),
            "zone_tables": ("DT_FLOAT", [-1, NUM_LAYERS, -1, 5, 5]),
        },
        "outputs": {
            "start_logits": ("DT_FLOAT", [-1, -1]),
            "end_logits": ("DT_FLOAT", [-1, -1]),
        },
    },
}


def answer_one(question, passage, mask, weight=1):
    """Returns one row's outputs; `weight` stands for what training learns."""
    nothing = {"answer": "", "start": -1, "end": -1, "score": 0.0, "null_score": 0.0}
    try:
        configuration = parse_configuration(mask).resolve(NUM_LAYERS, NUM_HEADS)
    except InputError as error:
        return nothing | {"error": str(error)}
    if not question.strip():
        return nothing | {"error": "Expected a question. Received: an empty one."}
    words = passage.split(" ")
    letters = sum(map(ord, question)) + weight * sum(map(ord, str(configuration)))
    first = letters % len(words)
    start = len(" ".join(words[:first])) + (first > 0)
    text = " ".join(words[first : first + 1 + letters % 3])
    return {
        "answer": text,
        "start": start,
        "end": start + len(text),
        "score": float(np.float32(letters % 7) / np.float32(3)),
        "null_score": float(np.float32(letters % 5) / np.float32(7)),
        "error": "",
    }


class ToyReader:
    """What a stand-in serves: signatures, and a function for each.

    Attributes:
        calls: Of each call the signature and how many rows it had.
        weight: As in `answer_one`.
    """

    signatures = SIGNATURES

    def __init__(self):
        self.calls = []
        self.weight = 1

    def call(self, signature, inputs):
        """Calls a signature: name -> nested lists in, name -> nested lists out."""
        rows = len(next(iter(inputs.values())))
        self.calls.append((signature, rows))
        if signature == "serving_default":
            scale = np.asarray(inputs["zone_tables"], np.float32).sum((1, 2, 3, 4))
            tokens = np.asarray(inputs["token_ids"], np.float32)
            start = tokens / scale[:, None]
            end = tokens * np.asarray(inputs["roles"], np.float32)
            return {"start_logits": start.tolist(), "end_logits": end.tolist()}
        columns = (inputs["question"], inputs["passage"], inputs["mask"])
        answered = [
            answer_one(*row, weight=self.weight) for row in zip(*columns, strict=True)
        ]
        return {name: [row[name] for row in answered] for name in answered[0]}

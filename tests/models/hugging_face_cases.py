"""Tiny Hugging Face models whose logits are known, written to a directory.

The logits come from `tests/goldens/make_hugging_face.py`, those of classifiers from
`make_hugging_face_classifiers.py` beside it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tests.goldens.weight_rule import ruled_weight, ruled_weights

GOLDENS = Path(__file__).parents[1] / "goldens"
PAD, CLS, SEP, QUESTION, PASSAGE = range(5)


def read_cases(name):
    """Returns the cases of a golden file."""
    return json.loads((GOLDENS / name).read_text(encoding="utf-8"))["cases"]


CASES = read_cases("hugging_face.json")
CLASSIFIERS = read_cases("hugging_face_classifiers.json")
PREFIXES = {
    "bert": "bert.",
    "roberta": "roberta.",
    "xlm-roberta": "roberta.",
    "electra": "electra.",
    "distilbert": "distilbert.",
    "albert": "albert.",
}


@dataclass(frozen=True)
class HuggingFaceCase:
    """One model: its configuration, weights, inputs and logits."""

    name: str

    @property
    def values(self):
        """The case as the golden file has it."""
        return CASES[self.name]

    @property
    def config(self):
        """The content of config.json."""
        return self.values["config"]

    @property
    def prefix(self):
        """What stands before the names of the encoder's tensors."""
        return PREFIXES[self.config["model_type"]]

    @property
    def is_token(self):
        """bool [B, T]; False where there is padding."""
        lengths = np.array(self.values["lengths"])
        return np.arange(len(self.values["token_ids"][0])) < lengths[:, None]

    def tensors(self):
        """Returns the weights under their own names."""
        return ruled_weights(self.values["shapes"])

    def inputs(self):
        """Returns inputs for a reader; which role a token has makes no difference."""
        roles = np.where(self.is_token, 1 + np.arange(self.is_token.shape[1]) % 4, 0)
        names = ("token_ids", "segment_ids")
        inputs = {name: np.array(self.values[name], np.int32) for name in names}
        return inputs | {"roles": roles.astype(np.int32)}

    def logits(self, half=False):
        """Returns float64 [B, T, 2]."""
        return np.array(self.values["logits_half" if half else "logits"])


class ClassifierCase(HuggingFaceCase):
    """A classifier: its logits are float64 [B, K], its rows single texts and pairs."""

    @property
    def values(self):
        """The case as the golden file has it."""
        return CLASSIFIERS[self.name]

    @property
    def labels(self):
        """The classes' names in the order of the logits."""
        return tuple(self.values["labels"])

    def inputs(self):
        """Returns inputs with the roles that texts have in a sweep."""
        places = np.arange(self.is_token.shape[1])
        roles = []
        for length, first in zip(
            self.values["lengths"], self.values["first_lengths"], strict=True
        ):
            row = np.where(places < length, PASSAGE, PAD)
            if first:
                row[1 : 1 + first] = QUESTION
                row[1 + first] = SEP
            row[0], row[length - 1] = CLS, SEP
            roles.append(row)
        return super().inputs() | {"roles": np.array(roles, np.int32)}


def with_pooler(case, tensors):
    """Adds the pooler that the family's models have unless they answer questions."""
    width = case.config["hidden_size"]
    name = f"{case.prefix}pooler"
    if case.config["model_type"] != "albert":
        name += ".dense"
    shapes = {f"{name}.weight": (width, width), f"{name}.bias": (width,)}
    return tensors | {key: ruled_weight(key, shape) for key, shape in shapes.items()}


def without_prefix(case, tensors):
    """Names the encoder's tensors as a model without head does."""
    return {name.removeprefix(case.prefix): value for name, value in tensors.items()}


def write_directory(directory, config, tensors, dtype=None):
    """Writes config.json and model.safetensors."""
    directory.mkdir(exist_ok=True)
    path = directory / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    if dtype is not None:
        tensors = {name: value.astype(dtype) for name, value in tensors.items()}
    save_file(tensors, directory / "model.safetensors")
    return directory

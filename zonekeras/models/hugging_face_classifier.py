"""The classification head of a model in Hugging Face's layout: is there one, and which.

A `…ForSequenceClassification` of the six families. The head is found by its tensors;
`architectures` in `config.json` decides where they could mean something else: a head
for tokens or for options has tensors of the same names, and a checkpoint may have a
question-answering head beside. Of the weights only a pooler is read here.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from zonekeras.errors import InputError
from zonekeras.files.json_files import shown
from zonekeras.models.classifier_head import ClassifierHead
from zonekeras.models.config_values import ConfigValues
from zonekeras.models.hugging_face import CONFIG_FILE
from zonekeras.models.hugging_face_names import (
    FAMILIES,
    ClassifierNames,
    classifier_names,
    has_span_head,
)
from zonekeras.models.safetensors_files import open_safetensors
from zonekeras.models.weights import Weights
from zonekeras.task_table import TASKS, TaskName

_OF_CLASSES = TASKS[TaskName.CLASSIFICATION].architecture
_OF_SPANS = TASKS[TaskName.SPAN].architecture
_WITH_SIMILAR_TENSORS = ("ForTokenClassification", "ForMultipleChoice")
_ONE_RIGHT = "single_label_classification"


def find_classifier(directory: str | Path) -> ClassifierHead | None:
    """Returns the classification head of a model; None if it has another or none.

    Args:
        directory: As `hugging_face.read_hugging_face` takes it.

    Raises:
        InputError: If the configuration or the weights cannot be read, the head is one
            for regression or for several classes at once, or its classes are not named
            as they should be.
    """
    values = ConfigValues.from_file(Path(directory) / CONFIG_FILE)
    family = values.get("model_type")
    if family not in FAMILIES:
        return None  # `read_hugging_face` refuses it
    shapes = open_safetensors(Path(directory)).shapes
    names = classifier_names(family, shapes)
    if not _is_classifier(names, shapes, values.get("architectures")):
        return None
    num_classes = shapes[f"{names.output}.weight"][0]
    _check_problem(values, num_classes)
    return ClassifierHead(_labels(values, num_classes, names.output), names.pooling)


def read_pooler(directory: str | Path) -> Weights:
    """Returns the dense layer that a BERT or an ALBERT without a head was left with.

    Args:
        directory: As `hugging_face.read_hugging_face` takes it.

    Returns:
        `classifier.dense.kernel` and `.bias`; nothing where a checkpoint has none, or
        its family's classifiers have a dense layer of their own.
    """
    values = ConfigValues.from_file(Path(directory) / CONFIG_FILE)
    family = values.get("model_type")
    checkpoint = open_safetensors(Path(directory))
    if family not in FAMILIES:
        return {}
    module = classifier_names(family, checkpoint.shapes).dense
    names = (f"{module}.weight", f"{module}.bias")
    if "pooler" not in module or not {*names} <= checkpoint.shapes.keys():
        return {}
    kernel, bias = (
        np.asarray(checkpoint.read(name)).astype(np.float32) for name in names
    )
    return {
        "classifier.dense.kernel": np.ascontiguousarray(kernel.T),
        "classifier.dense.bias": bias,
    }


def _check_problem(values: ConfigValues, num_classes: int) -> None:
    """Refuses heads of whose logits the largest is no answer."""
    problem = values.get("problem_type", _ONE_RIGHT)
    if problem != _ONE_RIGHT:
        received = f"problem_type = {shown(problem)}"
    elif num_classes == 1:
        received = "a head of one logit, which is one for regression"
    else:
        return
    raise InputError(
        f"{values.path}: expected a head for two classes or more, of which one is "
        f"right. Received: {received}. Take a model for single-label classification."
    )


def _is_classifier(
    names: ClassifierNames, present: Collection[str], architectures: object
) -> bool:
    """Says whether the tensors of a checkpoint are those of a classification head.

    Args:
        names: The head's modules.
        present: All tensors.
        architectures: What `config.json` has under this name.
    """
    listed = architectures if isinstance(architectures, list) else []
    classes = [str(name) for name in listed]
    has_output = f"{names.output}.weight" in present
    if any(name.endswith(_OF_SPANS) for name in classes):
        return has_output and not has_span_head(present)
    if any(name.endswith(_OF_CLASSES) for name in classes):
        return has_output  # what else is missing is said when the head is read
    is_other = any(name.endswith(_WITH_SIMILAR_TENSORS) for name in classes)
    has_all = has_output and f"{names.dense}.weight" in present
    return has_all and not is_other and not has_span_head(present)


def _labels(values: ConfigValues, num_classes: int, output: str) -> tuple[str, ...]:
    """Returns the classes' names in the order of their numbers."""
    given = values.get("id2label")
    if given is None:  # `transformers` calls them so, too
        return tuple(f"LABEL_{number}" for number in range(num_classes))
    numbers = list(map(str, range(num_classes)))
    if isinstance(given, dict) and {*given} == {*numbers}:
        labels = [given[number] for number in numbers]
        are_names = all(isinstance(label, str) and label for label in labels)
        if are_names and len({*labels}) == num_classes:
            return tuple(labels)
    raise InputError(
        f"{values.path}: expected id2label to name the {num_classes} classes of "
        f'{output}, "0" to "{num_classes - 1}", each by a text of its own. Received: '
        f"{shown(given)}. Use the configuration that came with the model."
    )

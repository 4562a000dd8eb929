"""Classification heads in Hugging Face directories: goldens, names, and refusals."""

import json
import re

import keras
import numpy as np
import pytest

from tests.models.hugging_face_cases import (
    CLASSIFIERS,
    ClassifierCase,
    HuggingFaceCase,
    with_pooler,
    without_prefix,
    write_directory,
)
from zonekeras.errors import InputError
from zonekeras.models.classifier_head import ClassifierHead, Pooling
from zonekeras.models.hugging_face import read_hugging_face
from zonekeras.models.hugging_face_classifier import find_classifier
from zonekeras.models.weights import build_classifier, build_reader

TOLERANCE = {"rtol": 0, "atol": 1e-5}
BERT = ClassifierCase("bert")
POOLINGS = {
    "bert": Pooling.CLS_DENSE_TANH,
    "roberta": Pooling.CLS_DENSE_TANH,
    "xlm-roberta": Pooling.CLS_DENSE_TANH,
    "electra": Pooling.CLS_DENSE_GELU,
    "distilbert": Pooling.CLS_DENSE_RELU,
    "albert": Pooling.CLS_DENSE_TANH,
}


def read(directory):
    head = find_classifier(directory)
    config, weights = read_hugging_face(directory, head)
    return build_classifier(config, head, weights)


def check_logits(case, directory, half=False):
    logits = keras.ops.convert_to_numpy(read(directory)(case.inputs()))
    np.testing.assert_allclose(logits, case.logits(half), **TOLERANCE)


def write(directory, changes=None, tensors=None, case=BERT):
    """Writes a case with another configuration or other tensors; None removes one."""
    all_tensors = case.tensors() | (tensors or {})
    kept = {name: value for name, value in all_tensors.items() if value is not None}
    return write_directory(directory, case.config | (changes or {}), kept)


@pytest.mark.parametrize("name", CLASSIFIERS)
class TestGoldens:
    def test_float32(self, name, tmp_path):
        case = ClassifierCase(name)
        check_logits(case, write(tmp_path, case=case))

    def test_float16_weights_are_computed_in_float32(self, name, tmp_path):
        case = ClassifierCase(name)
        write_directory(tmp_path, case.config, case.tensors(), np.float16)
        check_logits(case, tmp_path, half=True)

    def test_without_prefix(self, name, tmp_path):
        case = ClassifierCase(name)
        tensors = without_prefix(case, case.tensors())
        check_logits(case, write_directory(tmp_path, case.config, tensors))

    def test_the_head_is_found_without_architectures(self, name, tmp_path):
        case = ClassifierCase(name)
        write(tmp_path, {"architectures": None}, case=case)
        expected = ClassifierHead(case.labels, POOLINGS[case.config["model_type"]])
        assert find_classifier(tmp_path) == expected

    def test_as_a_reader_it_has_no_head(self, name, tmp_path):
        case = ClassifierCase(name)
        config, weights = read_hugging_face(write(tmp_path, case=case))
        assert not any("head" in key or "classifier" in key for key in weights)
        with pytest.warns(UserWarning, match="no question-answering head"):
            build_reader(config, weights)


def test_goldens_are_of_pairs_and_single_texts():
    roles = BERT.inputs()["roles"].tolist()
    assert roles[1] == [1, 3, 3, 3, 2, 4, 2, 0, 0, 0, 0]
    assert roles[3] == [1, 4, 4, 4, 2, 0, 0, 0, 0, 0, 0]
    assert BERT.inputs()["segment_ids"][1].tolist() == [0] * 5 + [1, 1] + [0] * 4


@pytest.mark.parametrize("name", ["bert", "electra", "distilbert"])
def test_another_activation_differs_by_more_than_the_tolerance(name, tmp_path):
    case = ClassifierCase(name)
    head = find_classifier(write(tmp_path, case=case))
    config, weights = read_hugging_face(tmp_path, head)
    for pooling in {*POOLINGS.values()} - {head.pooling}:
        other = build_classifier(config, ClassifierHead(head.labels, pooling), weights)
        logits = keras.ops.convert_to_numpy(other(case.inputs()))
        assert np.abs(logits - case.logits()).max() > 100 * TOLERANCE["atol"]


class TestLabels:
    def test_the_models_own(self, tmp_path):
        assert find_classifier(write(tmp_path)).labels == ("no", "yes", "perhaps")

    def test_in_the_order_of_their_numbers(self, tmp_path):
        names = {"2": "c", "0": "a", "1": "b"}
        head = find_classifier(write(tmp_path, {"id2label": names}))
        assert head.labels == ("a", "b", "c")

    def test_more_than_ten(self, tmp_path):
        names = {str(number): f"class {number}" for number in reversed(range(13))}
        tensors = {
            "classifier.weight": np.ones((13, 21), np.float32),
            "classifier.bias": np.ones(13, np.float32),
        }
        head = find_classifier(write(tmp_path, {"id2label": names}, tensors))
        assert head.labels == tuple(f"class {number}" for number in range(13))

    def test_numbered_where_they_have_no_names(self, tmp_path):
        head = find_classifier(write(tmp_path, {"id2label": None}))
        assert head.labels == ("LABEL_0", "LABEL_1", "LABEL_2")

    @pytest.mark.parametrize(
        "names",
        [
            {"0": "a", "1": "b"},
            {"0": "a", "1": "b", "2": "c", "3": "d"},
            {"1": "a", "2": "b", "3": "c"},
            {"0": "a", "1": "b", "2": "a"},
            {"0": "a", "1": "b", "2": ""},
            {"0": "a", "1": "b", "2": 3},
            {"0": "a", "1": "b", "02": "c"},
            ["a", "b", "c"],
            {},
        ],
    )
    def test_that_do_not_fit_the_head(self, names, tmp_path):
        write(tmp_path, {"id2label": names})
        message = (
            f"{tmp_path}/config.json: expected id2label to name the 3 classes of "
            'classifier, "0" to "2", each by a text of its own. Received: '
            f"{json.dumps(names)}. Use the configuration that came with the model."
        )
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            find_classifier(tmp_path)


class TestOtherHeads:
    @pytest.mark.parametrize("problem", ["regression", "multi_label_classification"])
    def test_of_another_problem_are_refused(self, problem, tmp_path):
        write(tmp_path, {"problem_type": problem})
        message = (
            f"{tmp_path}/config.json: expected a head for two classes or more, of "
            f'which one is right. Received: problem_type = "{problem}". Take a model '
            "for single-label classification."
        )
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            find_classifier(tmp_path)

    def test_of_one_logit_are_refused(self, tmp_path):
        tensors = {
            "classifier.weight": np.ones((1, 21), np.float32),
            "classifier.bias": np.ones(1, np.float32),
        }
        write(tmp_path, {"id2label": {"0": "a"}}, tensors)
        with pytest.raises(InputError, match="of one logit, which is one for regress"):
            find_classifier(tmp_path)

    def test_named_as_single_label_is_accepted(self, tmp_path):
        write(tmp_path, {"problem_type": "single_label_classification"})
        check_logits(BERT, tmp_path)

    @pytest.mark.parametrize(
        "architectures",
        [["BertForTokenClassification"], ["BertForMultipleChoice"]],
    )
    def test_with_tensors_of_the_same_names(self, architectures, tmp_path):
        assert (
            find_classifier(write(tmp_path, {"architectures": architectures})) is None
        )

    def test_of_tokens_without_pooler(self, tmp_path):
        gone = dict.fromkeys(["bert.pooler.dense.weight", "bert.pooler.dense.bias"])
        assert find_classifier(write(tmp_path, {"architectures": None}, gone)) is None

    def test_a_pooler_alone_is_none(self, tmp_path):
        gone = dict.fromkeys(["classifier.weight", "classifier.bias"])
        assert find_classifier(write(tmp_path, None, gone)) is None

    def test_a_reader_has_none(self, tmp_path):
        case = HuggingFaceCase("bert")
        tensors = with_pooler(case, case.tensors())
        assert find_classifier(write_directory(tmp_path, case.config, tensors)) is None

    @pytest.mark.parametrize(
        ("architectures", "is_classifier"),
        [
            (["BertForSequenceClassification"], True),
            (["BertForQuestionAnswering"], False),
            (["BertModel"], False),
            (None, False),
            ("BertForSequenceClassification", False),
        ],
    )
    def test_both_heads(self, architectures, is_classifier, tmp_path):
        span_head = {
            "qa_outputs.weight": np.ones((2, 21), np.float32),
            "qa_outputs.bias": np.ones(2, np.float32),
        }
        write(tmp_path, {"architectures": architectures}, span_head)
        assert (find_classifier(tmp_path) is not None) == is_classifier
        if is_classifier:
            check_logits(BERT, tmp_path)

    def test_another_family_is_left_to_the_encoder(self, tmp_path):
        write(tmp_path, {"model_type": "gpt2"})
        assert find_classifier(tmp_path) is None


class TestRefusedWeights:
    @pytest.mark.parametrize("missing", ["classifier.bias", "bert.pooler.dense.weight"])
    def test_incomplete_head(self, missing, tmp_path):
        write(tmp_path, None, {missing: None})
        with pytest.raises(InputError, match=rf"without {re.escape(missing)}\. Use"):
            read(tmp_path)

    def test_wrong_shapes(self, tmp_path):
        tensors = {"bert.pooler.dense.weight": np.ones((21, 19), np.float32)}
        write(tmp_path, None, tensors)
        message = r"bert\.pooler\.dense\.weight \[21, 19\] instead of \[21, 21\]\. Use"
        with pytest.raises(InputError, match=message):
            read(tmp_path)

    def test_a_bias_of_another_number_of_classes(self, tmp_path):
        write(tmp_path, None, {"classifier.bias": np.ones(5, np.float32)})
        with pytest.raises(
            InputError, match=r"classifier\.bias \[5\] instead of \[3\]"
        ):
            read(tmp_path)

    def test_broken_configuration(self, tmp_path):
        write(tmp_path)
        (tmp_path / "config.json").write_text("{")
        with pytest.raises(InputError, match="config.json: broken JSON at line 1"):
            find_classifier(tmp_path)

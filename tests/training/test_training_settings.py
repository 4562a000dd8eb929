import re

import pytest

from zonekeras.data.squad import Answer, Passage, Question, SquadDataset
from zonekeras.errors import InputError
from zonekeras.training.settling import settle
from zonekeras.training.span_training import can_score
from zonekeras.training.training_settings import TrainingSettings


def dataset(answers=("a",), has_impossible=False):
    questions = (Question("q", "What?", tuple(Answer(text, 0) for text in answers)),)
    passages = (Passage("", "a b", questions),)
    return SquadDataset("data.json", passages, has_impossible, 0, 0)


def test_the_defaults_are_the_protocols():
    settings = TrainingSettings()
    assert (settings.num_train_epochs, settings.learning_rate) == (3.0, 3e-5)
    assert (settings.max_seq_length, settings.doc_stride) == (512, 128)
    assert (settings.max_query_length, settings.train_batch_size) == (64, 64)
    assert settings.warmup_proportion == 0.1


def test_all_faults_come_at_once():
    with pytest.raises(InputError) as caught:
        TrainingSettings.of(
            {
                "learning_rate": 0,
                "train_batch_size": 2.5,
                "dropout": 1.0,
                "precision": "float16",
                "deterministic": 1,
                "epochs": 3,
            }
        )
    message = str(caught.value)
    assert message.startswith("Expected other training settings. Received: ")
    for fault in (
        "learning_rate=0 is not a number above 0",
        "train_batch_size=2.5 is not a whole number of at least 1",
        "dropout=1.0 is not a number from 0 to less than 1, or None",
        "precision='float16' is not one of float32, mixed_bfloat16, mixed_float16",
        "deterministic=1 is not True or False",
        "epochs is not a setting (they are num_train_epochs, ",
    ):
        assert fault in message


def test_parts_must_divide_the_batch():
    message = "gradient_accumulation_steps=3 does not divide train_batch_size=8"
    with pytest.raises(InputError, match=message):
        TrainingSettings.of({"train_batch_size": 8, "gradient_accumulation_steps": 3})


def test_the_data_decides_about_null_answers():
    of = TrainingSettings.of
    assert settle(of({}), dataset(), dataset()).version_2_with_negative is False
    v2 = dataset(has_impossible=True)
    assert settle(of({}), v2).version_2_with_negative is True
    said = settle(of({"version_2_with_negative": False}), v2)
    assert said.version_2_with_negative is False


def test_a_test_set_is_answered_and_not_scored():
    settings = settle(TrainingSettings(), dataset(), dataset(answers=()))
    assert not can_score(dataset(answers=()), settings)
    assert can_score(dataset(), settings)


def test_the_best_needs_scores():
    message = re.escape("Received: keep='best' with none.")
    with pytest.raises(InputError, match=message):
        settle(TrainingSettings.of({"keep": "best"}), dataset())


def test_an_empty_file_is_nothing_to_train_on():
    empty = SquadDataset("data.json", (), False, 0, 0)
    message = "^data.json: expected questions to train on. Received: none.$"
    with pytest.raises(InputError, match=message):
        settle(TrainingSettings(), empty)


def test_what_a_start_may_choose_does_not_decide_the_run():
    of = TrainingSettings.of
    same = {"keep": "best", "checkpoint_steps": 7, "predict_batch_size": 3}
    assert of(same).content() == of({}).content()
    for other in ({"seed": 1}, {"eval_steps": 3}, {"n_best_size": 3}):
        assert of(other).content() != of({}).content()


def test_an_integer_is_as_good_as_a_float():
    whole = TrainingSettings.of({"num_train_epochs": 3, "max_gradient_norm": 1})
    assert whole.content() == TrainingSettings().content()

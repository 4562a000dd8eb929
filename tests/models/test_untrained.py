"""Fresh weights: of the seed, and without the weights of the source."""

import re

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import tiny_model, write_hugging_face, write_tf1
from zonekeras.errors import InputError
from zonekeras.models.loading import load
from zonekeras.models.untrained import load_untrained, load_untrained_tf1
from zonekeras.models.weights import reader_weights


def test_a_hugging_face_directory_needs_no_weights(tmp_path):
    whole = load(write_hugging_face(tmp_path / "hf"))
    (tmp_path / "hf" / "model.safetensors").unlink()
    fresh = load_untrained(tmp_path / "hf", seed=1)
    assert fresh.description.encoder == whole.description.encoder
    assert fresh.tokenizer.fingerprint == whole.tokenizer.fingerprint
    assert not fresh.description.has_head
    assert fresh.fingerprint() == load_untrained(tmp_path / "hf", seed=1).fingerprint()
    assert fresh.fingerprint() != load_untrained(tmp_path / "hf", seed=2).fingerprint()
    kernel = reader_weights(fresh.network.reader)["span_head.kernel"]
    assert 0 < np.abs(kernel).max() <= 0.04


@only_tensorflow
def test_an_original_bert_needs_configuration_and_vocabulary(tmp_path):
    directory = write_tf1(tmp_path / "tf1")
    whole = load(directory)
    for path in directory.glob("bert_model.ckpt*"):
        path.unlink()
    fresh = load_untrained(directory)
    assert fresh.description.encoder == whole.description.encoder
    again = load_untrained_tf1(directory / "bert_config.json", directory / "vocab.txt")
    assert again.fingerprint() == fresh.fingerprint()


def test_a_model_of_ours_lends_its_shape(tmp_path):
    model = tiny_model()
    model.save(tmp_path / "own")
    fresh = load_untrained(tmp_path / "own")
    assert fresh.description.encoder == model.description.encoder
    assert fresh.fingerprint() != model.fingerprint()


def test_a_vocabulary_that_is_too_large_is_refused(tmp_path):
    directory = write_hugging_face(tmp_path / "hf")
    with open(directory / "vocab.txt", "a") as file:
        file.write("".join(f"more{number}\n" for number in range(20)))
    message = "Expected a tokenizer of at most 47 tokens, the rows of the model's"
    with pytest.raises(InputError, match=re.escape(message)):
        load_untrained(directory)

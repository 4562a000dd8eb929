"""Models with a flipped bit or a missing byte: one error that names the directory."""

import random
import shutil

import keras
import pytest

from tests.builders import tiny_model
from zonekeras.errors import InputError
from zonekeras.models.loading import load

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="SavedModels are TensorFlow's"
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    directory = tmp_path_factory.mktemp("exported") / "model"
    tiny_model().export(directory)
    return directory


def flipped(path, number):
    """Flips a bit, the same one for a number."""
    generator = random.Random(number)
    content = bytearray(path.read_bytes())
    content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.write_bytes(content)


def cut(path, number):
    """Cuts the last byte off."""
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("name", "damage", "numbers"),
    [
        ("1/variables/variables.data-00000-of-00001", cut, range(1)),
        ("1/variables/variables.index", cut, range(1)),
        ("1/saved_model.pb", cut, range(1)),
        ("1/saved_model.pb", flipped, range(4)),
        ("1/variables/variables.index", flipped, range(2)),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_saved_model(exported, tmp_path, name, damage, numbers):
    for number in numbers:
        directory = tmp_path / str(number)
        shutil.copytree(exported, directory)
        damage(directory / name, number)
        try:
            load(directory)  # a bit in a name that nobody reads may do no harm
        except InputError as error:
            assert str(directory) in str(error)
        else:
            assert damage is flipped


@pytest.mark.parametrize("number", range(10))
@pytest.mark.filterwarnings("ignore")
def test_a_keras_file(exported, tmp_path, number):
    directory = tmp_path / "model"
    shutil.copytree(exported, directory, ignore=shutil.ignore_patterns("1"))
    flipped(directory / "model.keras", number)
    try:
        load(directory)
    except InputError as error:
        assert str(directory) in str(error)

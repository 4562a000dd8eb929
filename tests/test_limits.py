"""Small inputs ask for bounded memory."""

import json
import zipfile

import pandas as pd
import pytest

from cli import collect, plot, sweep
from cli.value_types import at_most, positive_int, seed_number
from tests.builders import tiny_model, tiny_squad, write_hugging_face, write_json
from zonekeras.errors import InputError
from zonekeras.limits import MOST_LAYERS, above_limits
from zonekeras.models.hugging_face import read_hugging_face
from zonekeras.models.keras_file import check_keras_file
from zonekeras.store.matrix import score_matrix
from zonekeras.task_table import TaskName


def test_a_bound_is_the_largest_number_that_is_taken():
    assert above_limits({"controls": 1_000, "seed": 2**63 - 1, "metric": "auto"}) == []
    assert above_limits({"controls": 1_001, "n_best_size": 10**30}) == [
        "n_best_size is above 10,000",
        "controls is above 1,000",
    ]
    assert at_most(7, positive_int)("7") == 7
    assert seed_number(str(2**63 - 1)) == 2**63 - 1


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        (sweep, ["--controls=2147483648"], "--controls: expected a number of at most"),
        (sweep, ["--controls=1001"], "--controls: expected a number of at most 1,000."),
        (sweep, ["--max_seq_length", "9" * 30], "--max_seq_length: expected a number"),
        (
            sweep,
            ["--layers", "0", "1001"],
            "--layers: expected a number of at most",
        ),
        (plot, ["a.csv", "b.png", "--range", "-1e308", "1e308"], "--range: expected"),
    ],
)
def test_flags_have_bounds(capsys, command, words, message):
    assert command.main(words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_the_layer_in_a_files_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json(tmp_path / "dev.json", tiny_squad())
    (tmp_path / "predictions_layer1000000000_q2.json").write_text("{}")
    words = [".", "out.csv", "--predict_file=dev.json", "--allow_missing"]
    assert collect.main(words) == 2
    assert capsys.readouterr().err == (
        "zonekeras collect: error: .: expected layers below 1,000. Received: layer "
        "1,000,000,000 in the name of a file; rename it or move it away.\n"
    )


@pytest.mark.parametrize("layer", [MOST_LAYERS, 10**9])
def test_the_layers_of_a_table(layer):
    matrix = pd.DataFrame({"q2": [1.0]}, index=pd.Index([layer], name="layer"))
    with pytest.raises(InputError, match="from 0 and below 1,000, each once"):
        score_matrix(matrix)
    assert len(score_matrix({(MOST_LAYERS - 1, "q2"): 1.0})) == MOST_LAYERS


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("num_hidden_layers", 10**8, "not a whole number of at most 1,000"),
        ("num_hidden_layers", 999, "tensors without "),
        ("vocab_size", 10**30, "not a whole number of at most 2,147,483,647"),
        ("vocab_size", 2**31 - 1, "expected the shape|expected .*2147483647"),
    ],
)
def test_what_a_configuration_asks_for_is_compared_with_the_weights(
    tmp_path, key, value, said
):
    directory = write_hugging_face(tmp_path / "hf")
    path = directory / "config.json"
    write_json(path, json.loads(path.read_text()) | {key: value})
    with pytest.raises(InputError, match=said):
        read_hugging_face(directory)


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory):
    directory = tmp_path_factory.mktemp("own")
    tiny_model().save(directory)
    return directory / "model.keras"


def changed(keras_file, path, change):
    """Writes a Keras file whose configuration is changed."""
    with zipfile.ZipFile(keras_file) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            after.writestr(name, content)
    return path


def test_a_good_keras_file_passes(keras_file):
    check_keras_file(keras_file, TaskName.SPAN)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("vocabulary_size", 10**9, r"of [\d,]+ bytes that asks for \d+,\d+,\d+,\d+ w"),
        ("block_of_layer", list(range(900)), "bytes that asks for"),
        ("block_of_layer", [10**9], "block_of_layer has no blocks"),
        ("block_of_layer", [0] * 1001, "block_of_layer has no blocks"),
        ("hidden_dim", 1.5, "hidden_dim is no size"),
        ("num_heads", 0, "num_heads is no size"),
        ("more", 1, "Expected fields of EncoderConfig"),
    ],
)
def test_a_keras_file_holds_what_it_asks_for(keras_file, tmp_path, key, value, said):
    def change(config):
        config["config"]["config"][key] = value

    path = changed(keras_file, tmp_path / "model.keras", change)
    with pytest.raises(InputError, match=said):
        check_keras_file(path, TaskName.SPAN)


def test_another_class_is_refused_before_it_is_made(keras_file, tmp_path):
    def change(config):
        config |= {"class_name": "Dense", "module": "keras.layers"}
        config["config"] = {"units": 10**9}

    path = changed(keras_file, tmp_path / "model.keras", change)
    with pytest.raises(InputError, match="^Expected a SpanReader in .*: Dense.$"):
        check_keras_file(path, TaskName.SPAN)

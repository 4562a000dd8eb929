"""`zonekeras export`: what it writes, says and refuses."""

import json

import pytest

from cli.export import main
from tests.backends import only_tensorflow
from tests.builders import (
    ONE_LAYER,
    VOCABULARY,
    tiny_model,
    write_hugging_face,
    write_json,
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_hugging_face(tmp_path / "source")
    return tmp_path


def signatures_of(directory):
    """Returns the names of a SavedModel's signatures."""
    from tests.graph.c_api import read_signatures

    return sorted(read_signatures((directory / "1/saved_model.pb").read_bytes()))


@only_tensorflow
def test_a_model_is_exported_and_once_more_into_its_own_directory(here, capsys):
    assert main(["--model", "source", "--output_dir", "out"]) == 0
    assert capsys.readouterr().out == (
        "wrote out/1 with the signatures answer, serving_default\n"
    )
    assert signatures_of(here / "out") == ["answer", "serving_default"]
    description = (here / "out/zonekeras.json").read_text()
    assert json.loads(description)["source"] == "source"

    flags = ["--noanswer", "--stateful", "--attention_layers", "2", "0", "2"]
    assert main(["--model=out", "--output_dir=out", *flags]) == 0
    names = ["attention", "get_mask", "logits", "serving_default", "set_mask"]
    assert capsys.readouterr().out == (
        f"wrote out/1 with the signatures {', '.join(names)}\n"
    )
    assert signatures_of(here / "out") == names
    assert sorted(path.name for path in (here / "out").iterdir()) == [
        "1",
        "model.keras",
        "tokenizer.json",
        "tokenizer_config.json",
        "zonekeras.json",
    ]


def contents(directory):
    """Returns the bytes of all files, by path."""
    return {
        path.relative_to(directory): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


@only_tensorflow
def test_another_model_is_not_replaced(here, capsys):
    tiny_model(seed=1).save(here / "out")
    before = contents(here / "out")
    assert main(["--model=source", "--output_dir=out", "--noanswer"]) == 2
    assert capsys.readouterr().err == (
        "zonekeras export: error: Expected a new directory, or the one of the model "
        "itself. Received: out, with another model in it (from random-1). Choose "
        "another directory, or remove this one first.\n"
    )
    assert contents(here / "out") == before

    (here / "out/zonekeras.json").write_text("{}")
    before = contents(here / "out")
    assert main(["--model=source", "--output_dir=out", "--noanswer"]) == 2
    assert (
        "Received: out, whose zonekeras.json does not say which model it has. Choose "
        in capsys.readouterr().err
    )
    assert contents(here / "out") == before


@only_tensorflow
def test_the_same_model_from_another_source_is_replaced(here):
    """`source` holds the weights of `tiny_model`."""
    write_hugging_face(here / "source", **ONE_LAYER)
    tiny_model(**ONE_LAYER).save(here / "out")
    assert main(["--model=source", "--output_dir=out", "--noanswer"]) == 0
    assert signatures_of(here / "out") == ["serving_default"]


@only_tensorflow
@pytest.mark.filterwarnings("default:the SavedModel has no signature")
def test_a_bpe_model_takes_token_ids_only_and_says_so(here, capsys):
    from zonekeras.tokenizing.definitions import BERT_TOKENS
    from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

    write_hugging_face(here / "source", **ONE_LAYER)
    tokens = [*VOCABULARY[:5], *"abcdefghij"]
    tokenizer = ReaderTokenizer.from_bpe(
        {token: index for index, token in enumerate(tokens)}, [], special=BERT_TOKENS
    )
    (here / "source/vocab.txt").unlink()
    tokenizer.save(here / "source")
    assert main(["--model", "source", "--output_dir", "out"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "wrote out/1 with the signatures serving_default\n"
    assert captured.err == (
        "zonekeras export: warning: the SavedModel has no signature 'answer', since a "
        "graph cannot do what this model's BPE tokenizer does; 'serving_default' takes "
        "token ids\n"
    )
    assert signatures_of(here / "out") == ["serving_default"]
    assert main(["--model", "source", "--output_dir", "other", "--answer"]) == 2
    assert "Received: BPE, which no operation" in capsys.readouterr().err
    assert not (here / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "expected other flags. Received: --model is missing; --output_dir is "
            "missing; see 'zonekeras export --help'.",
        ),
        (
            ["--model=source", "--output_dir=out", "--predict_file=config.json"],
            "expected other flags. Received: --predict_file is not for an export; see "
            "'zonekeras export --help'.",
        ),
        (
            ["--model=source", "--output_dir=source/config.json"],
            "Expected a directory to write a model to. Received: source/config.json, "
            "a file.",
        ),
        (
            ["--model=source", "--output_dir=out", "--attention_layers", "3", "1", "9"],
            "Expected positive numbers, max_seq_length of at least 5, and layers from "
            "0 to 2. Received: attention_layers=3,9.",
        ),
    ],
)
@only_tensorflow
def test_what_cannot_be_is_refused_and_nothing_written(
    here, capsys, arguments, message
):
    write_json(here / "config.json", {})
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"zonekeras export: error: {message}\n"
    assert not (here / "out").exists()

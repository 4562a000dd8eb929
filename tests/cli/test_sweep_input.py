"""Bad input to `zonekeras sweep`: exit code 2, one exact line, nothing written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import sweep
from tests.builders import (
    VOCABULARY,
    tiny_squad,
    write_hugging_face,
    write_json,
    write_tf1,
)

ROOT = Path(__file__).resolve().parents[2]
HELP = "see 'zonekeras sweep --help'."
GOOD = ["--model=model", "--predict_file=dev.json", "--output_dir=out"]
MODEL, DEV, OUT = GOOD
WHOLE = "expected a whole number of at least"
OTHER_FLAGS = "expected other flags. Received: "
GRAMMAR = (
    "Expected a configuration such as baseline, layer3:p2q, layers0-5:p2, "
    "all-layers:p2, layer3:p2+q2, layer3.head7:p2q, layer3:only-p2, or several joined "
    "by ';'. Received: "
)
ALL_ZONES = "all, q2, q2p, p2q, p2, cls2q, cls2p, q2p-text, p2q-text"
ZONES = f"Expected zones out of {ALL_ZONES}, joined by '+'. Received: "

BAD_FLAGS = [
    (
        [],
        "without arguments, expected the demonstration's "
        "runs/demo/model/zonekeras.json. Received: no such file; run 'zonekeras "
        f"finetune' without arguments first, or {HELP}",
    ),
    (
        ["--semantics=strict"],
        f"{OTHER_FLAGS}--model is missing; --predict_file is missing; --output_dir is "
        f"missing; {HELP}",
    ),
    ([DEV, OUT], f"{OTHER_FLAGS}--model is missing; {HELP}"),
    ([MODEL, OUT], f"{OTHER_FLAGS}--predict_file is missing; {HELP}"),
    ([MODEL, DEV], f"{OTHER_FLAGS}--output_dir is missing; {HELP}"),
    (
        [*GOOD, "--vocab_file=v.txt"],
        f"{OTHER_FLAGS}--model and --vocab_file exclude each other; {HELP}",
    ),
    (
        [DEV, OUT, "--vocab_file=v.txt"],
        f"{OTHER_FLAGS}--vocab_file without --bert_config_file, --init_checkpoint; "
        f"{HELP}",
    ),
    (
        [DEV, OUT, "--init_checkpoint=c", "-bert-config-file", "b"],
        f"{OTHER_FLAGS}--bert_config_file, --init_checkpoint without --vocab_file; "
        f"{HELP}",
    ),
    (
        [*GOOD, "--mask_layers", "3"],
        f"unknown flag --mask_layers (did you mean --mask_layer?); {HELP}",
    ),
    (
        [*GOOD, "--bogus", "--max_seq_len=3"],
        "unknown flags --bogus, --max_seq_len (did you mean --max_seq_length?); "
        + HELP,
    ),
    (
        [*GOOD, "--sets=heads", "--configurations=layer0:q2", "--mask_layer=1"],
        f"{OTHER_FLAGS}--configurations and --sets and --mask_layer/--mask_zone "
        f"exclude each other; {HELP}",
    ),
    (
        [*GOOD, "--layers", "0", "--zones", "q2"],
        f"{OTHER_FLAGS}--layers and --zones need --sets; {HELP}",
    ),
    (
        [*GOOD, "--sets", "head"],
        "--sets: expected one of cells, heads, cumulative, pairs, only. Received: "
        "'head'; did you mean heads?",
    ),
    ([*GOOD, "--max_seq_length=abc"], f"--max_seq_length: {WHOLE} 1. Received: 'abc'."),
    ([*GOOD, "--doc_stride", "0"], f"--doc_stride: {WHOLE} 1. Received: '0'."),
    ([*GOOD, "--n_best_size", "-1"], f"--n_best_size: {WHOLE} 1. Received: '-1'."),
    (
        [*GOOD, "--max_answer_length=2.5"],
        f"--max_answer_length: {WHOLE} 1. Received: '2.5'.",
    ),
    (
        [*GOOD, "--predict_batch_size=0"],
        f"--predict_batch_size: {WHOLE} 1. Received: '0'.",
    ),
    ([*GOOD, "--mask_layer=-1"], f"--mask_layer: {WHOLE} 0. Received: '-1'."),
    ([*GOOD, "--mask_layer=two"], f"--mask_layer: {WHOLE} 0. Received: 'two'."),
    (
        [*GOOD, "--mask_zone", "q3"],
        f"--mask_zone: expected one of {ALL_ZONES}, None. Received: 'q3'.",
    ),
    (
        [*GOOD, "--semantics=strickt"],
        "--semantics: expected one of strict, published. Received: 'strickt'; did you "
        "mean strict?",
    ),
    (
        [*GOOD, "--metric=bleu"],
        "--metric: expected one of auto, squad, squad_v2, cmrc2018, drcd, mlqa-en, "
        "mlqa-es, mlqa-hi, mlqa-vi, mlqa-de, mlqa-ar, mlqa-zh, accuracy. "
        "Received: 'bleu'.",
    ),
    (
        [*GOOD, "--do_train=True"],
        f"{OTHER_FLAGS}--do_train is for fine-tuning; a sweep needs a fine-tuned "
        f"model; {HELP}",
    ),
    (
        [*GOOD, "--nodo_predict", "--do_train"],
        f"{OTHER_FLAGS}--do_train is for fine-tuning; a sweep needs a fine-tuned "
        f"model; --do_predict=False leaves nothing to do; {HELP}",
    ),
    (
        [*GOOD, "--do_lower_case=maybe"],
        "--do_lower_case: expected True or False. Received: 'maybe'.",
    ),
    (
        [*GOOD, "--configurations", "layer0:q2", "--mask_layer=0"],
        f"{OTHER_FLAGS}--configurations and --mask_layer/--mask_zone exclude each "
        f"other; {HELP}",
    ),
    (
        [*GOOD, "--configurations"],
        "--configurations: expected one value or more. Received: none; write them "
        "after the flag.",
    ),
    (
        [*GOOD, "extra"],
        f"expected no further argument. Received: 'extra'; {HELP}",
    ),
    (
        [DEV, OUT, "--model"],
        "--model: expected one value or more. Received: none; write them after the "
        "flag.",
    ),
    (
        [*GOOD, "--null_score_diff_threshold=nan"],
        "--null_score_diff_threshold: expected a number. Received: 'nan'.",
    ),
    (
        [*GOOD, "--warmup_proportion=2"],
        "--warmup_proportion: expected a number from 0 to 1. Received: '2'.",
    ),
    (
        [*GOOD, "--configurations", "layer0:q2", "q2"],
        f"{GRAMMAR}'q2', of which 'q2' is not a clause.",
    ),
    (
        [*GOOD, "--configurations=layer0:q2;"],
        f"{GRAMMAR}'layer0:q2;', of which '' is not a clause.",
    ),
    (
        [*GOOD, "--configurations=layer0-3:q2"],
        f"{GRAMMAR}'layer0-3:q2', of which 'layer0-3:q2' is not a clause.",
    ),
    ([*GOOD, "--configurations=layer0:"], f"{ZONES}'' in 'layer0:'."),
    ([*GOOD, "--configurations=layer0:q2,p2"], f"{ZONES}'q2,p2' in 'layer0:q2,p2'."),
    (
        [*GOOD, "--configurations=layers5-0:q2"],
        "Expected a range of layers with the lower one first. Received: "
        "'layers5-0:q2'. Write layers0-5.",
    ),
    (
        [*GOOD, "--configurations=layer0:only-all"],
        "Expected only- before one of q2, q2p, p2q, p2 (it masks the other three). "
        "Received: 'layer0:only-all'.",
    ),
    (
        [MODEL, DEV, "--output_dir=dev.json"],
        "Expected a directory for the results. Received: dev.json, which is a file. "
        "Choose another --output_dir.",
    ),
    (
        [MODEL, DEV, "--output_dir=dev.json/deeper/out"],
        "Expected a directory for the results. Received: dev.json/deeper/out, where "
        "dev.json is a file. Choose another --output_dir.",
    ),
    (
        [MODEL, DEV, "--output_dir=results"],
        "Expected a directory without results, or with those of a sweep that "
        "sweep.sqlite there knows. Received: results with predictions.json of unknown "
        "origin. Choose another --output_dir, or move them away.",
    ),
    (
        [MODEL, OUT, "--predict_file=nope.json"],
        "--predict_file: expected a file. Received: nope.json, which does not exist.",
    ),
    (
        [MODEL, OUT, "--predict_file=model"],
        "--predict_file: expected a file. Received: model, which is a directory.",
    ),
    (
        [MODEL, OUT, "--predict_file=v2.json", "--metric=squad"],
        "Expected gold answers in v2.json to score with (metric squad). Received: 3 of "
        "9 questions without one, the first 'passage0-question1'. Give a dev set that "
        "has answers.",
    ),
]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A directory with data, and models that are only looked at when all else is."""
    directory = tmp_path_factory.mktemp("work")
    write_json(directory / "dev.json", tiny_squad())
    write_json(directory / "v2.json", tiny_squad(with_impossible=True))
    (directory / "model").mkdir()
    (directory / "results").mkdir()
    (directory / "results" / "predictions.json").write_text("{}")
    return directory


def run(work, *arguments):
    """Runs the command as a process; TensorFlow cannot be imported in it."""
    code = (
        "import sys; sys.modules.update(tensorflow=None, keras=None, jax=None); "
        "from cli.sweep import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def files_in(directory):
    return sorted(path.relative_to(directory) for path in directory.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "message"), BAD_FLAGS, ids=[str(n) for n in range(len(BAD_FLAGS))]
)
def test_bad_flags(work, arguments, message):
    before = files_in(work)
    done = run(work, *arguments)
    assert done.stderr == f"zonekeras sweep: error: {message}\n"
    assert (done.returncode, done.stdout) == (2, "")
    assert files_in(work) == before


def edited(edit):
    """Returns a dev file's bytes after a change to its first passage."""
    content = tiny_squad()
    edit(content["data"][0]["paragraphs"][0])
    return json.dumps(content).encode()


SECOND = 'question "passage0-question1" (data[0].paragraphs[0].qas[1])'
ADVICE = "Correct the file, or leave bad entries out with --skip_bad."
NO_DATA = 'expected an object with a list "data". Received: '

BAD_DATA = [
    (b"", "expected JSON. Received: an empty file."),
    (
        b'{"data": [}',
        "broken JSON at line 1, column 11: Expecting value. Write the file again, or "
        "download it again.",
    ),
    (
        b'{"data": "\xff"}',
        "broken UTF-8 at byte 10 (0xff). Save the file as UTF-8, or download it again.",
    ),
    (b'{"data": NaN}', "broken JSON: NaN is no JSON number."),
    (
        b'{"a": 1}',
        f'{NO_DATA}an object with the keys ["a"]. Use a SQuAD-format file.',
    ),
    (b"[]", f"{NO_DATA}[]. Use a SQuAD-format file."),
    (b'{"data": []}', "expected at least one question. Received: none."),
    (
        edited(lambda passage: passage.pop("context")),
        f'data[0].paragraphs[0]: expected a key "context". Received: ["qas"]. {ADVICE}',
    ),
    (
        edited(lambda passage: passage.update(context=" \n")),
        f'data[0].paragraphs[0]: "context" is empty. {ADVICE}',
    ),
    (
        edited(lambda passage: passage["qas"][1].update(id="passage0-question0")),
        'question "passage0-question0" (data[0].paragraphs[0].qas[1]): duplicate id, '
        f"first at data[0].paragraphs[0].qas[0]. {ADVICE}",
    ),
    (
        edited(lambda passage: passage["qas"][1].update(id=1.5)),
        'data[0].paragraphs[0].qas[1]: expected "id" to be a string. Received: 1.5. '
        + ADVICE,
    ),
    (
        edited(lambda passage: passage["qas"][1].pop("question")),
        f'{SECOND}: expected a key "question". Received: ["id", "answers"]. {ADVICE}',
    ),
    (
        edited(lambda passage: passage["qas"][1]["answers"][0].pop("text")),
        f'{SECOND}: answers[0]: expected a key "text". Received: ["answer_start"]. '
        + ADVICE,
    ),
    (
        edited(
            lambda passage: passage["qas"][1]["answers"][0].update(
                text="sea", answer_start=75
            )
        ),
        f'{SECOND}: answers[0]: answer "sea": expected "answer_start" from 0 to 74, '
        f"inside its passage. Received: 75. {ADVICE}",
    ),
]


@pytest.mark.parametrize(
    ("content", "message"), BAD_DATA, ids=[str(n) for n in range(len(BAD_DATA))]
)
def test_bad_data(tmp_path, content, message):
    (tmp_path / "bad.json").write_bytes(content)
    done = run(tmp_path, MODEL, "--predict_file=bad.json", OUT)
    assert done.stderr == f"zonekeras sweep: error: bad.json: {message}\n"
    assert (done.returncode, done.stdout) == (2, "")
    assert files_in(tmp_path) == [Path("bad.json")]


def test_a_dev_set_without_gold_answers(tmp_path):
    (tmp_path / "test.json").write_bytes(
        edited(lambda passage: passage["qas"][1].update(answers=[]))
    )
    done = run(tmp_path, MODEL, "--predict_file=test.json", OUT)
    assert done.stderr == (
        "zonekeras sweep: error: Expected gold answers in test.json to score with "
        "(metric squad). Received: 1 of 9 questions without one, the first "
        "'passage0-question1'. Give a dev set that has answers.\n"
    )
    assert done.returncode == 2


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A directory with good models to break."""
    directory = tmp_path_factory.mktemp("models")
    write_hugging_face(directory / "good")
    write_tf1(directory / "tf1")
    return directory


@pytest.fixture
def refused(models, tmp_path, monkeypatch, capsys):
    """Runs the command here; returns its complaint. Nothing may have been written.

    In this process, since each of its own would import TensorFlow again.
    """
    for name in ("good", "tf1"):
        shutil.copytree(models / name, tmp_path / name)
    write_json(tmp_path / "dev.json", tiny_squad())
    monkeypatch.chdir(tmp_path)

    def refuse(*arguments):
        before = files_in(tmp_path)
        code = sweep.main([DEV, OUT, "--max_seq_length=29", *arguments])
        out, err = capsys.readouterr()
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert files_in(tmp_path) == before
        return err.removeprefix("zonekeras sweep: error: ").rstrip("\n")

    return refuse


SOURCES = (
    "Expected a model directory of zonekeras (zonekeras.json), a Hugging Face "
    "directory (config.json, model.safetensors), a TF1 BERT checkpoint "
    "(bert_config.json, bert_model.ckpt.*, vocab.txt), or the name of a KerasHub "
    "preset. Received: "
)
ENCODER = (
    "good/config.json: expected the configuration of an encoder that zonekeras can "
    "run. Received: "
)
NO_SAFETENSORS = (
    "good/model.safetensors: expected a whole safetensors file. Received: one that "
    "cannot be read ("
)
ITS_CONFIG = "Use the configuration that came with the model."


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("./nope", f"{SOURCES}./nope, no such directory."),
        (".", f"{SOURCES}., which has none of it."),
        ("dev.json", f"{SOURCES}dev.json, a file."),
    ],
)
def test_no_model_there(refused, model, message):
    assert refused("--model", model) == message


def test_an_unknown_preset(refused):
    message = refused("--model=bert_base_en_uncase")
    assert message.startswith("Expected a local directory or a KerasHub preset, one of")
    assert "Received: 'bert_base_en_uncase'. The closest are bert_base_en_" in message


def change_config(path, **values):
    config = json.loads(path.read_text()) | values
    write_json(path, {key: value for key, value in config.items() if value is not None})


# Where a message has "…", a library says in its own words what it did not like.
BAD_MODELS = [
    (
        lambda model: (model / "model.safetensors").write_bytes(b"\xff" * 99),
        f"{NO_SAFETENSORS}…). Download the model again.",
    ),
    (
        lambda model: os.truncate(model / "model.safetensors", 9000),
        f"{NO_SAFETENSORS}…). Download the model again.",
    ),
    (
        lambda model: (model / "model.safetensors").unlink(),
        "good: expected model.safetensors or model.safetensors.index.json. Received: "
        "neither. Copy the model's weights there.",
    ),
    (
        lambda model: (model / "vocab.txt").unlink(),
        "good: expected tokenizer.json, or vocab.txt, or vocab.json with merges.txt. "
        "Received: config.json, model.safetensors. Copy the model's tokenizer files "
        "there.",
    ),
    (
        lambda model: (model / "vocab.txt").write_text("the\nriver\n"),
        "good/vocab.txt: expected a cls token, [CLS] or <s>. Received: 2 tokens "
        "without it. Use the vocabulary that came with the model.",
    ),
    (
        lambda model: (model / "vocab.txt").write_text(
            "\n".join([*VOCABULARY, *"bcdefghijk"])
        ),
        "Expected a tokenizer of at most 47 tokens, the rows of the model's embedding. "
        f"Received: {len(VOCABULARY) + 10} tokens with good. The vocabulary is another "
        "model's.",
    ),
    (
        lambda model: (model / "config.json").write_text("{"),
        "good/config.json: broken JSON at line 1, column 2: Expecting property name "
        "enclosed in double quotes. Write the file again, or download it again.",
    ),
    (
        lambda model: change_config(model / "config.json", model_type="gpt2"),
        "good/config.json: expected model_type to be one of bert, roberta, "
        'xlm-roberta, electra, distilbert, albert. Received: "gpt2". Other families '
        "cannot be masked by zones yet.",
    ),
    (
        lambda model: change_config(
            model / "config.json", hidden_size=None, num_attention_heads=0
        ),
        f"{ENCODER}no hidden_size, a whole number of at least 1; num_attention_heads = "
        f"0, not a whole number of at least 1. {ITS_CONFIG}",
    ),
    (
        lambda model: change_config(model / "config.json", num_attention_heads=3),
        f"{ENCODER}hidden_size = 14, not a multiple of num_attention_heads = 3. "
        + ITS_CONFIG,
    ),
    (
        lambda model: change_config(model / "config.json", num_hidden_layers=4),
        "good: expected the tensors of a bert encoder with 4 different layers, as its "
        "configuration says. Received: 55 tensors without "
        "bert.encoder.layer.3.attention.self.query.weight, "
        "bert.encoder.layer.3.attention.self.query.bias, "
        "bert.encoder.layer.3.attention.self.key.weight and 13 more. Use the "
        "configuration and the weights of one model.",
    ),
    (
        lambda model: (model / "zonekeras.json").write_text("{}"),
        "Expected the description of a model in good/zonekeras.json. Received: "
        "KeyError: 'format'. Write the model directory again.",
    ),
]


@pytest.mark.parametrize(
    ("damage", "message"), BAD_MODELS, ids=[str(n) for n in range(len(BAD_MODELS))]
)
def test_a_broken_model(refused, tmp_path, damage, message):
    damage(tmp_path / "good")
    received = refused("--model=good")
    start, cut, end = message.partition("…")
    if cut:
        assert received.startswith(start)
        assert received.endswith(end)
    else:
        assert received == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--max_seq_length=62"],
            "Expected max_seq_length of at most 61, which is what this model can read. "
            "Received: 62.",
        ),
        (
            ["--max_seq_length=7"],
            "expected max_seq_length to be at least 12, which leaves question "
            "'passage2-question3' room for one passage token. Received: "
            "max_seq_length=7, max_query_length=64. Raise max_seq_length or lower "
            "max_query_length.",
        ),
        (
            ["--mask_layer=3", "--mask_zone=Q2"],
            "Expected layers 0 to 2 and heads 0 to 1 in a configuration, as this model "
            "has them. Received: layer3:q2.",
        ),
        (
            ["--configurations", "layer0:q2", "layer7:p2", "layer0.head2:q2"],
            "Expected layers 0 to 2 and heads 0 to 1 in a configuration, as this model "
            "has them. Received: layer7:p2, layer0.head2:q2.",
        ),
    ],
)
def test_what_the_model_does_not_have(refused, arguments, message):
    assert refused("--model=good", *arguments) == message


@pytest.mark.parametrize(
    ("vocabulary", "config", "checkpoint", "message"),
    [
        (
            "nope.txt",
            "bert_config.json",
            "bert_model.ckpt",
            "tf1/nope.txt: cannot be read: No such file or directory; check the path.",
        ),
        (
            "vocab.txt",
            "nope.json",
            "bert_model.ckpt",
            "tf1/nope.json: no such file; check the path.",
        ),
        (
            "vocab.txt",
            "bert_config.json",
            "nope.ckpt",
            "tf1/nope.ckpt: no such checkpoint; expected tf1/nope.ckpt.index. Give the "
            "prefix that its files share, such as bert_model.ckpt.",
        ),
    ],
)
def test_a_checkpoint_that_is_not_there(
    refused, vocabulary, config, checkpoint, message
):
    assert message == refused(
        f"--vocab_file=tf1/{vocabulary}",
        f"--bert_config_file=tf1/{config}",
        f"--init_checkpoint=tf1/{checkpoint}",
    )


def test_a_checkpoint_that_was_cut_off(refused, tmp_path):
    (path,) = (tmp_path / "tf1").glob("*.data*")
    os.truncate(path, 3)
    assert refused("--model=tf1") == (
        "tf1/bert_model.ckpt: expected a whole TensorFlow checkpoint. Received: one "
        "that cannot be read (Read less bytes than requested). Copy or download it "
        "again."
    )


def test_a_store_that_is_none(refused, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".sweep.lock").touch()
    (tmp_path / "out" / "sweep.sqlite").write_text("not a database " * 99)
    assert refused("--model=good") == (
        "Expected a sweep store in out/sweep.sqlite. It is damaged or not one: file is "
        "not a database. Choose another --output_dir, or move this one away to start "
        "afresh; the predictions files in it are whole."
    )

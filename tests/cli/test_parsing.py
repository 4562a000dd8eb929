import argparse
from dataclasses import replace

import pytest

from cli import shared_flags, value_types
from cli.parsing import CommandParser
from zonekeras.metrics import Metric
from zonekeras.task_table import TASKS, TaskName


@pytest.fixture
def parser():
    parser = CommandParser(prog="zonekeras demo")
    parser.add_argument(
        "--max_seq_length", type=value_types.positive_int, default=512, help="n"
    )
    parser.add_argument("--null_score_diff_threshold", type=value_types.finite_float)
    parser.add_argument("--learning-rate", type=value_types.positive_float)
    parser.add_argument("--zone", choices=("q2", "q2p"))
    parser.add_argument("--pair", nargs=2, type=value_types.finite_float)
    parser.add_boolean("--do_train", default=None, help="train")
    parser.add_boolean("--note", default=True, help="a name that starts with 'no'")
    return parser


@pytest.mark.parametrize(
    "tokens",
    [
        ["--max_seq_length", "384"],
        ["--max_seq_length=384"],
        ["-max_seq_length", "384"],
        ["-max-seq-length=384"],
        ["--max-seq-length", "384"],
        ["--max-seq_length", "384"],
    ],
)
def test_a_flag_is_known_in_every_spelling(parser, tokens):
    assert parser.parse_args(tokens).max_seq_length == 384


def test_a_flag_declared_with_dashes_is_known_with_underscores(parser):
    assert parser.parse_args(["-learning_rate", "3e-5"]).learning_rate == 3e-5


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], None),
        (["--do_train"], True),
        (["-do-train"], True),
        (["--do_train=True"], True),
        (["--do_train=1"], True),
        (["--do_train", "true"], True),
        (["--do_train", "1"], True),
        (["--do_train=False"], False),
        (["--do_train", "False"], False),
        (["--nodo_train"], False),
        (["--no-do-train"], False),
        (["--no_do_train"], False),
        (["--do_train", "--do_train=f"], False),
        (["--do_train", "--max_seq_length", "3"], True),
    ],
)
def test_booleans_are_read_as_absl_reads_them(parser, tokens, expected):
    assert parser.parse_args(tokens).do_train is expected


def test_a_flag_whose_name_starts_with_no_is_not_a_negation(parser):
    assert parser.parse_args(["--note"]).note is True
    assert parser.parse_args(["--nonote"]).note is False


@pytest.mark.parametrize(
    ("text", "value"), [("-1.5", -1.5), ("-1e-3", -0.001), ("-.5", -0.5), ("-2", -2.0)]
)
def test_negative_numbers_are_values(parser, text, value):
    for tokens in (
        ["--null_score_diff_threshold", text],
        [f"--null_score_diff_threshold={text}"],
    ):
        assert parser.parse_args(tokens).null_score_diff_threshold == value
    assert parser.parse_args(["--pair", text, "1"]).pair == [value, 1.0]


def test_positionals_stand_anywhere_among_flags():
    parser = CommandParser(prog="zonekeras demo")
    parser.add_argument("files", nargs="+")
    parser.add_boolean("--annotate", default=False, help="annotate")
    flags = parser.parse_args(["a.csv", "--annotate", "1", "-2.5", "b.pdf"])
    assert flags.files == ["a.csv", "1", "-2.5", "b.pdf"]
    assert flags.annotate is True


def test_nothing_after_two_dashes_is_a_flag():
    parser = CommandParser(prog="zonekeras demo")
    parser.add_argument("files", nargs="+")
    assert parser.parse_args(["--", "-x", "--y"]).files == ["-x", "--y"]


def test_a_flag_with_many_values_takes_them_up_to_the_next_flag():
    parser = CommandParser(prog="zonekeras demo")
    parser.add_argument("file")
    parser.add_argument("--configurations", nargs="+")
    parser.add_argument("--pair", nargs=2, type=int)
    flags = parser.parse_args(
        ["--configurations", "layer0:q2", "all", "--pair", "-1", "2", "a.json"]
    )
    assert flags.configurations == ["layer0:q2", "all"]
    assert flags.pair == [-1, 2]
    assert flags.file == "a.json"


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (
            ["--max_seq_lenght", "384"],
            "unknown flag --max_seq_lenght (did you mean --max_seq_length?); "
            "see 'zonekeras demo --help'.",
        ),
        (
            ["--bogus=1", "-xyzzy"],
            "unknown flags --bogus, -xyzzy; see 'zonekeras demo --help'.",
        ),
        (
            ["--max_seq"],
            "unknown flag --max_seq (did you mean --max_seq_length?); "
            "see 'zonekeras demo --help'.",
        ),
        (
            ["--max_seq_length", "0"],
            "--max_seq_length: expected a whole number of at least 1. Received: '0'.",
        ),
        (
            ["-max-seq-length"],
            "--max_seq_length: expected a value. Received: none; write it after the "
            "flag.",
        ),
        (
            ["--pair", "1"],
            "--pair: expected 2 values after it. Received: not as many.",
        ),
        (
            ["--do_train=maybe"],
            "--do_train: expected True or False. Received: 'maybe'.",
        ),
        (
            ["--do_train", "maybe"],
            "expected no further argument. Received: 'maybe'; "
            "see 'zonekeras demo --help'.",
        ),
        (
            ["--zone", "q22"],
            "--zone: expected one of q2, q2p. Received: 'q22'; did you mean q2?",
        ),
        (
            ["--null_score_diff_threshold", "nan"],
            "--null_score_diff_threshold: expected a number. Received: 'nan'.",
        ),
        (
            ["line\nbreak"],
            "expected no further argument. Received: 'line\\nbreak'; "
            "see 'zonekeras demo --help'.",
        ),
    ],
)
def test_a_mistake_costs_one_line_and_code_2(parser, capsys, tokens, message):
    with pytest.raises(SystemExit, match="^2$"):
        parser.parse_args(tokens)
    captured = capsys.readouterr()
    assert captured.err == f"zonekeras demo: error: {message}\n"
    assert captured.out == ""


def test_a_missing_argument_is_named(capsys):
    parser = CommandParser(prog="zonekeras demo")
    parser.add_argument("dataset")
    parser.add_argument("--output_dir", required=True)
    for tokens, missing in (
        ([], "dataset, --output_dir"),
        (["a.json"], "--output_dir"),
        (["--output_dir", "a"], "dataset"),
    ):
        with pytest.raises(SystemExit, match="^2$"):
            parser.parse_args(tokens)
        assert capsys.readouterr().err == (
            f"zonekeras demo: error: expected {missing}. Received: none; "
            "see 'zonekeras demo --help'.\n"
        )


def test_help_shows_defaults_but_not_empty_ones(parser):
    text = parser.format_help()
    assert text.startswith("usage: zonekeras demo [flags]\n")
    assert "(default: 512)" in text
    assert "(default: None)" not in text


@pytest.mark.parametrize(
    ("value_type", "good", "value", "bad", "expected"),
    [
        (value_types.positive_int, "1", 1, "0", "a whole number of at least 1"),
        (value_types.non_negative_int, "0", 0, "-1", "a whole number of at least 0"),
        (value_types.finite_float, "-1e3", -1000.0, "inf", "a number"),
        (value_types.positive_float, "0.5", 0.5, "0", "a number above 0"),
        (value_types.non_negative_float, "0", 0.0, "-0.1", "a number of at least 0"),
        (value_types.fraction, "1", 1.0, "1.1", "a number from 0 to 1"),
        (value_types.boolean, "Yes", True, "2", "True or False"),
    ],
)
def test_types_read_and_refuse(value_type, good, value, bad, expected):
    assert value_type(good) == value
    with pytest.raises(
        argparse.ArgumentTypeError, match=f"^expected {expected}. Received: '{bad}'.$"
    ):
        value_type(bad)


def test_paths_are_checked(tmp_path):
    file = tmp_path / "a.json"
    file.touch()
    assert value_types.existing_file(str(file)) == str(file)
    assert value_types.existing_directory(str(tmp_path)) == str(tmp_path)
    assert value_types.existing_path(str(tmp_path)) == str(tmp_path)
    for value_type in (value_types.existing_directory, value_types.existing_path):
        with pytest.raises(
            argparse.ArgumentTypeError,
            match="^expected a path on this machine, so copy it here. Received: gs://b/a.$",
        ):
            value_type("gs://b/a")
    for value_type in (
        value_types.existing_file,
        value_types.existing_directory,
        value_types.existing_path,
    ):
        with pytest.raises(argparse.ArgumentTypeError, match="b, which does not exist"):
            value_type(str(tmp_path / "b"))
    with pytest.raises(argparse.ArgumentTypeError, match="which is a directory.$"):
        value_types.existing_file(str(tmp_path))
    with pytest.raises(argparse.ArgumentTypeError, match="which is a file.$"):
        value_types.existing_directory(str(file))


def test_or_none_reads_the_word_none():
    layer = value_types.or_none(value_types.non_negative_int)
    assert layer("None") is None
    assert layer("none") is None
    assert layer("3") == 3


def protocol_parser():
    parser = CommandParser(prog="zonekeras demo")
    shared_flags.add_model_flags(parser)
    shared_flags.add_data_flags(parser)
    shared_flags.add_decoding_flags(parser)
    shared_flags.add_protocol_flags(parser)
    return parser


def test_a_command_line_of_the_protocol_works_pasted(tmp_path):
    dev = tmp_path / "dev-v1.1.json"
    dev.touch()
    flags = protocol_parser().parse_args(
        f"""-vocab_file=vocab.txt --bert_config_file bert_config.json
        --init_checkpoint=model.ckpt-1 --do_train=False --do_predict=True
        --train_file train-v1.1.json --predict_file={dev} --do_lower_case=False
        --max_seq_length=512 --doc_stride=128 --max_query_length=64 --n_best_size=20
        --max_answer_length=30 --train_batch_size=64 --predict_batch_size=8
        --learning_rate=3e-5 --num_train_epochs=3.0 --warmup_proportion=0.1
        --version_2_with_negative=False --null_score_diff_threshold=-1.5
        --mask_layer=3 --mask_zone=Q2 --use_tpu=True --tpu_name=node-1
        --tpu_zone=us-central1-f --gcp_project=my-project""".split()
    )
    assert shared_flags.model_flag_faults(flags) == []
    assert flags.do_train is False
    assert flags.do_predict is True
    assert flags.do_lower_case is False
    assert flags.mask_layer == 3
    assert flags.mask_zone == "q2"
    assert flags.null_score_diff_threshold == -1.5
    assert flags.use_tpu is True


def test_all_layers_at_once_are_spelled_none():
    flags = protocol_parser().parse_args(["--mask_layer", "None", "--mask_zone=all"])
    assert flags.mask_layer is None
    assert flags.mask_zone == "all"


def test_the_metrics_are_those_of_the_package():
    assert shared_flags.METRICS == ("auto", *Metric)


@pytest.mark.parametrize(
    ("tokens", "faults"),
    [
        ([], ["--model is missing"]),
        (["--model", "a"], []),
        (
            ["--model", "a", "--vocab_file", "b"],
            ["--model and --vocab_file exclude each other"],
        ),
        (
            ["--vocab_file", "b", "--init_checkpoint", "c"],
            ["--vocab_file, --init_checkpoint without --bert_config_file"],
        ),
    ],
)
def test_a_model_is_given_in_one_way_and_whole(tokens, faults):
    flags = protocol_parser().parse_args(tokens)
    assert shared_flags.model_flag_faults(flags) == faults


def test_help_says_which_task_has_a_setting(monkeypatch):
    tasks = tuple(TaskName)
    assert shared_flags.tasks_mark("n_best_size", tasks) == " (task span)"
    assert shared_flags.tasks_mark("n_best_size", tasks[:1]) == ""
    both = replace(TASKS[TaskName.CLASSIFICATION], settings=("n_best_size",))
    monkeypatch.setitem(TASKS, TaskName.CLASSIFICATION, both)
    assert shared_flags.tasks_mark("n_best_size", tasks) == ""
    assert shared_flags.tasks_mark("doc_stride", tasks) == " (task span)"

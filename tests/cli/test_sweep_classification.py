"""`zonekeras sweep` of classifiers, as it is used: pairs, single texts, bad input."""

import json

import pandas as pd
import pytest

from cli import compare, sweep
from cli import results as results_command
from tests.builders import LABELS, tiny_classifier, write_hugging_face
from tests.labelled_texts import tiny_texts, write_lines
from tests.sweeping.sweeps import results

FLAGS = ["--model=model", "--predict_file=pairs.jsonl", "--max_seq_length=31"]
CELL = ["--configurations=layer1:cls2p", "--attention_questions=0"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A directory with classifiers and their files."""
    directory = tmp_path_factory.mktemp("work")
    tiny_classifier(seed=1).save(directory / "model")
    tiny_classifier(seed=5).save(directory / "other")
    write_hugging_face(directory / "spans")
    write_lines(directory / "pairs.jsonl", tiny_texts(num=17))
    lines = tiny_texts(pairs=False, num=17)
    table = pd.DataFrame(lines)
    table.to_csv(directory / "single.csv", index=False)
    return directory


@pytest.fixture
def here(work, monkeypatch):
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "100")
    return work


def run(*arguments):
    return sweep.main([*FLAGS, *arguments])


def test_pairs_by_the_models_head_and_by_the_flag(here, capsys):
    assert run("--output_dir=out") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("baseline: accuracy ")
    assert ", macro-F1 " in printed[0]
    assert printed[0].endswith(" (17 pairs)")
    assert any("permutation of groups; McNemar's takes pairs" in one for one in printed)
    assert printed[-1] == "results in out"
    record = json.loads((here / "out" / "run.json").read_text())
    assert record["settings"]["labels"] == list(LABELS)
    assert len(record["configurations"]) == 1 + 3 * 7
    answers = json.loads((here / "out" / "predictions.json").read_text())
    assert list(answers) == [f"item{number}" for number in range(17)]
    assert set(answers.values()) == set(LABELS)

    # In parts, and by the flag: the same files.
    for part in ("1/2", "2/2"):
        flags = [f"--shard={part}", f"--output_dir=part{part[0]}"]
        assert run("--task=classification", *flags) == 0
    merged = ["merge", "part1", "part2", "--output_dir=merged"]
    assert results_command.main(merged) == 0
    assert results(here / "merged") == results(here / "out")

    capsys.readouterr()
    assert results_command.main(["out"]) == 0
    listed = capsys.readouterr().out
    assert "model on pairs.jsonl (17 pairs), " in listed
    assert "macro-F1 effect" in listed
    assert results_command.main(["out", "--export=csv", "--output=cells.csv"]) == 0
    assert pd.read_csv("cells.csv")["macro_f1"].notna().all()
    assert results_command.main(["out", "--by=overlap"]) == 2
    assert capsys.readouterr().err == (
        "zonekeras results: error: Grouping questions is for the task span alone. "
        "Received: task='classification'. 'zonekeras results' without groups lists "
        "the scores of any task.\n"
    )


def test_a_layer_of_single_texts_from_a_table(here, capsys):
    flags = ["--predict_file=single.csv", "--mask_layer=1", "--output_dir=single"]
    assert run(*flags) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(" (17 texts)")
    table = pd.read_parquet("single/results.parquet")
    expected = ["baseline", "layer1:all", "layer1:p2", "layer1:cls2p"]
    assert table["configuration"].tolist() == expected


def test_a_plan_and_another_number_format(here, capsys):
    assert run("--dry_run") == 0
    printed = capsys.readouterr().out
    assert "17 windows in " in printed
    assert "22 configurations: " in printed
    assert run("--precision=bfloat16", *CELL, "--output_dir=bfloat16") == 0
    assert "12 pairs x 2 configurations; mean accuracy" in capsys.readouterr().out


def test_several_models(here, capsys):
    models = ["--model", "model", "other"]
    flags = ["--predict_file=pairs.jsonl", "--max_seq_length=31", *CELL]
    assert sweep.main([*models, *flags, "--output_dir=runs"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "2 runs: model, other"
    assert printed[1].startswith("baseline: accuracy ")
    assert printed[1].endswith(" (17 pairs)")
    assert compare.main(["runs", "runs/model", "--output_dir=compared"]) == 0
    assert (here / "compared" / "comparison.csv").is_file()
    assert ", paired by group" in capsys.readouterr().out


def refused(capsys, *arguments):
    """Runs what has to be refused in one line; returns that line."""
    assert sweep.main([*arguments, "--output_dir=refused"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("zonekeras sweep: error: ")
    return line.removeprefix("zonekeras sweep: error: ")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--doc_stride=64", "--n_best_size=3"],
            "Expected settings of the task classification. Received: doc_stride, "
            "n_best_size, which it does not have. Leave them out.",
        ),
        (
            ["--doc_stride=64", "--metric=squad"],
            "Expected settings of the task classification. Received: doc_stride, "
            "metric='squad', which it does not have. Leave them out.",
        ),
        (
            ["--metric=squad"],
            "Expected a metric of the task classification: auto, accuracy. Received: "
            "metric='squad'.",
        ),
        (
            ["--semantics=published"],
            "semantics='published', what the protocol's code did, is for the task span "
            "alone. Received: task='classification'. Take a model that answers with a "
            "span of its passage.",
        ),
        (
            ["--max_seq_length=62"],
            "Expected max_seq_length of at most 61, which is what this model can read. "
            "Received: 62.",
        ),
        (
            ["--predict_file=single.csv", "--mask_layer=1", "--mask_zone=cls2q"],
            "Expected configurations that mask attention between tokens of this data, "
            "whose roles are CLS, SEP, PASSAGE. Received: layer1:cls2q. Leave them "
            "out.",
        ),
        (
            ["--task=span"],
            "Expected a model for the task span. Received: model, whose head is for "
            "the task classification. Give another model, or another task.",
        ),
    ],
)
def test_flags_that_do_not_fit(here, capsys, flags, message):
    assert refused(capsys, *FLAGS, *flags) == message
    assert not (here / "refused").exists()


def test_models_that_do_not_fit(here, capsys):
    message = refused(capsys, *FLAGS, "--model=spans", "--task=classification")
    assert message.startswith("Expected a model for the task classification. Received:")
    message = refused(
        capsys,
        "--task=classification",
        "--vocab_file=v",
        "--bert_config_file=b",
        "--init_checkpoint=c",
        "--predict_file=pairs.jsonl",
    )
    assert "--task classification needs --model with a classification head" in message
    assert not (here / "refused").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            {"text": "a", "text_pair": "b"},
            'bad.jsonl: line 3: expected a gold "label". Received: none. Correct the '
            "file, or leave bad lines out with --skip_bad.",
        ),
        (
            {"text": "a", "text_pair": "b", "label": "maybe"},
            "Expected gold labels in bad.jsonl that are classes of the model: "
            "entailment, neutral, contradiction, or an index from 0 to 2. Received: "
            "\"maybe\" in 1 of 3 items, the first '3'. Write the model's names into "
            "the file, or take the model that belongs to it.",
        ),
    ],
)
def test_bad_lines(here, capsys, line, message):
    write_lines(here / "bad.jsonl", [*tiny_texts(num=2), line])
    assert refused(capsys, *FLAGS, "--predict_file=bad.jsonl") == message
    assert not (here / "refused").exists()


@pytest.mark.filterwarnings("default:bad.jsonl:UserWarning")
def test_bad_lines_may_be_left_out(here, capsys):
    write_lines(here / "bad.jsonl", [*tiny_texts(num=5), {"text": "a"}])
    flags = ["--predict_file=bad.jsonl", "--skip_bad", *CELL, "--output_dir=skipped"]
    assert run(*flags) == 0
    printed = capsys.readouterr()
    said = "zonekeras sweep: warning: bad.jsonl: 1 bad lines left out"
    assert said in printed.err.splitlines()
    assert "(5 pairs)" in printed.out.splitlines()[0]

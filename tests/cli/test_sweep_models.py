"""`zonekeras sweep --model A B`, then `compare` and `report`, as they are used."""

import json

import pandas as pd
import pytest

from cli import compare, report, sweep
from tests.backends import only_tensorflow
from tests.builders import tiny_model, tiny_squad, write_hugging_face, write_json

LENGTHS = ["--max_seq_length=29", "--doc_stride=7", "--token_budget=200"]
CELL = ["--mask_layer=1", "--mask_zone=p2", "--attention_questions=0"]

pytestmark = pytest.mark.usefixtures("models_are_loaded_once")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A directory with three models and a dev file."""
    directory = tmp_path_factory.mktemp("work")
    for seed in (1, 2, 3):
        write_hugging_face(directory / "models" / f"seed-{seed}", seed)
    write_json(directory / "dev.json", tiny_squad())
    return directory


@pytest.fixture
def here(work, monkeypatch):
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "100")
    return work


def run(*arguments):
    flags = ["--predict_file=dev.json", *LENGTHS]
    return sweep.main([*arguments, *flags])


def test_several_models_are_swept_joined_compared_and_reported(here, capsys):
    models = ["--model", "models/seed-1", "models/seed-2"]
    assert run(*models, *CELL, "--output_dir=runs") == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "2 runs: seed-1, seed-2"
    assert lines[1].startswith("baseline: EM ")
    assert lines[-1] == "results in runs"
    assert "seed-2: " in printed.err
    alone = json.loads((here / "runs" / "seed-2" / "run.json").read_text())
    assert alone["flags"]["model"] == ["models/seed-1", "models/seed-2"]
    means = pd.read_csv("runs/runs.csv").set_index("configuration")
    assert means.loc["layer1:p2", ["layer", "zone", "num_runs"]].tolist() == [
        1,
        "p2",
        2,
    ]
    # The same command again runs nothing and says the same.
    assert run(*models, *CELL, "--output_dir=runs") == 0
    again = capsys.readouterr()
    assert again.out == printed.out
    assert "of them kept from before" in again.err

    assert run("--model=models/seed-3", *CELL, "--output_dir=alone") == 0
    capsys.readouterr()
    assert compare.main(["runs", "alone", "--output_dir=compared"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "runs (2 runs) minus alone (1 run), paired by passage"
    assert lines[-1] == "comparison in compared"
    assert pd.read_csv("compared/comparison.csv")["configuration"].tolist() == [
        "layer1:p2"
    ]
    assert report.main(["runs"]) == 0
    assert "wrote runs/report.html" in capsys.readouterr().out


def test_a_set_has_a_grid_on_the_terminal_and_a_figure(here, capsys):
    flags = ["--sets", "only", "--attention_questions=0", "--output_dir=sets"]
    assert run("--model=models/seed-1", *flags) == 0
    printed = capsys.readouterr().out
    assert "The one zone kept: EM effect, points" in printed
    assert "layer1:only-p2:" not in printed
    assert (here / "sets" / "heatmap_only.png").exists()
    assert not (here / "sets" / "heatmap.png").exists()
    assert not (here / "sets" / "heatmap_heads.png").exists()


@only_tensorflow
def test_the_saved_model_of_a_model_directory_can_be_left_aside(here, capsys):
    tiny_model(seed=1).save("own")
    (here / "own" / "1").mkdir()
    (here / "own" / "1" / "saved_model.pb").write_bytes(b"none that can be loaded")
    arguments = ["--model=own", *CELL, "--output_dir=aside"]
    assert run(*arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "zonekeras sweep: error: Expected a SavedModel in own/1. It cannot be loaded: "
    )
    assert run(*arguments, "--prefer_saved_model=False") == 0
    record = json.loads((here / "aside" / "run.json").read_text())
    assert record["flags"]["prefer_saved_model"] is False


def test_a_dry_run_of_several_models(here, capsys):
    assert run("--model", "models/seed-1", "models/seed-2", "--dry_run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "models/seed-1:"
    assert "models/seed-2:" in lines
    assert lines[-1] == "nothing was written (--dry_run)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--model", "models/seed-1", "models/seed-1", "--output_dir=out"],
            "Expected every model once, under a name of its own. Received: "
            "models/seed-1 and models/seed-1.",
        ),
        (
            ["--model", "a", "b", "--output_dir=out", "--shard=1/2"],
            "expected other flags. Received: --shard is of one model;",
        ),
        (
            ["--model", "models/seed-1", "nothing", "--output_dir=out"],
            "Expected",
        ),
    ],
)
def test_bad_input_is_one_line(here, capsys, arguments, message):
    assert run(*arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"zonekeras sweep: error: {message}")
    assert not (here / "out").exists()


def test_sides_that_cannot_be_compared(here, capsys):
    assert compare.main(["models", "nothing"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "zonekeras compare: error: Expected a sweep's directory with sweep.sqlite."
    )

import json
import subprocess
import sys
from pathlib import Path

import pytest

from zonekeras.data.squad import read_squad
from zonekeras.store.protocol_csv import read_results_csv

ROOT = Path(__file__).resolve().parents[2]
ZONES = ["all", "q2", "q2p", "p2q", "p2"]
PASSAGE = "The Nile flows north, past Cairo, into the sea."

METRIC = (
    "metric squad: the SQuAD v1.1 script (auto: every question has an answer, and no "
    "passages in Chinese characters)\n"
)


def run(*arguments, cwd):
    """Runs the command as a user would; returns the code and both outputs."""
    finished = subprocess.run(
        [sys.executable, "-m", "cli.collect", *map(str, arguments)],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return finished.returncode, finished.stdout, finished.stderr


def write(path, content):
    path.write_text(json.dumps(content))


def predictions(num_right, num_halves=0):
    """Predicts three questions: some exactly, some with an F1 of 2/3."""
    texts = ["north"] * num_right + ["north x"] * num_halves
    return dict(zip("123", texts + ["x"] * (3 - len(texts)), strict=True))


@pytest.fixture
def work(tmp_path):
    """Two layers of predictions; the second layer's p2 cell is worst."""
    answer = {"text": "north", "answer_start": 15}
    entries = [{"id": key, "question": "?", "answers": [answer]} for key in "123"]
    paragraph = {"context": PASSAGE, "qas": entries}
    write(tmp_path / "dev.json", {"data": [{"paragraphs": [paragraph]}]})
    directory = tmp_path / "out"
    directory.mkdir()
    write(directory / "predictions.json", predictions(2, 1))
    for zone in ZONES:
        write(directory / f"predictions_layer0_{zone}.json", predictions(3))
        write(directory / f"predictions_layer1_{zone}.json", predictions(1))
    write(directory / "predictions_layer1_q2.json", predictions(1, num_halves=1))
    write(directory / "predictions_layer1_p2.json", predictions(0))
    write(directory / "predictions_layers_all_q2.json", "not a cell: not looked at")
    return tmp_path


COMMAND = ["out", "results.csv", "--predict_file", "dev.json"]


def test_exact_match(work):
    code, out, err = run(*COMMAND, cwd=work)
    assert (code, err) == (0, "")
    assert out == (
        "baseline: EM 66.667, F1 88.889\n"
        f"{METRIC}"
        "results.csv: EM of 2 layers x 5 zones\n"
    )
    assert (work / "results.csv").read_text() == (
        "layer,all,q2,q2p,p2q,p2\n"
        "1,100.000,100.000,100.000,100.000,100.000\n"
        "2,33.333,33.333,33.333,33.333,0.000\n"
    )


def test_f1(work):
    code, out, err = run(*COMMAND, "-use_f1", cwd=work)
    assert (code, err) == (0, "")
    assert out.endswith("results.csv: F1 of 2 layers x 5 zones\n")
    assert (work / "results.csv").read_text().splitlines()[2] == (
        "2,33.333,55.556,33.333,33.333,0.000"
    )


def test_no_baseline_and_missing_cells(work):
    (work / "out/predictions.json").unlink()
    (work / "out/predictions_layer0_q2p.json").unlink()
    code, out, err = run(*COMMAND, "--allow_missing", cwd=work)
    assert (code, err) == (0, "")
    assert out == f"{METRIC}results.csv: EM of 2 layers x 5 zones\n"
    scores = read_results_csv(work / "results.csv")
    assert len(scores) == 9 and (0, "q2p") not in scores


def test_missing_predictions_are_one_warning(work):
    for name in ("predictions", "predictions_layer1_all"):
        write(work / f"out/{name}.json", {"1": "north"})
    code, _, err = run(*COMMAND, cwd=work)
    assert code == 0
    assert err == (
        "zonekeras collect: warning: predictions are missing for some of 3 questions "
        "in predictions.json (2), predictions_layer1_all.json (2)\n"
    )


def test_skip_bad(work):
    what = json.loads((work / "dev.json").read_text())
    what["data"][0]["paragraphs"][0]["qas"][2]["id"] = ""
    write(work / "dev.json", what)
    code, out, err = run(*COMMAND, "--skip_bad", cwd=work)
    assert code == 0
    left_out = "1 of 3 questions left out"
    assert out.startswith(f"baseline: EM 100.000, F1 100.000; {left_out}\n")
    assert err == f"zonekeras collect: warning: dev.json: {left_out}\n"


def remove(name):
    return lambda work: (work / name).unlink()


def replace(name, text):
    return lambda work: (work / name).write_text(text)


def remove_all(work):
    for path in (work / "out").glob("predictions_layer*"):
        path.unlink()


def remove_layer_0_and_one(work):
    for path in (work / "out").glob("predictions_layer0_*"):
        path.unlink()
    (work / "out/predictions_layer1_q2.json").unlink()


def add_distant_layer(work):
    write(work / "out/predictions_layer11_q2.json", predictions(1))


CELL = "out/predictions_layer1_p2q.json"
BAD_INPUT = {
    "one cell missing": (
        remove(CELL),
        COMMAND,
        "out: expected 2 layers x 5 zones. Received: no file for layer1_p2q; run the "
        "missing cells, or leave their fields empty with --allow_missing.",
    ),
    "six cells missing": (
        remove_layer_0_and_one,
        COMMAND,
        "out: expected 2 layers x 5 zones. Received: no file for layer0_all, "
        "layer0_q2, layer0_q2p, layer0_p2q, layer0_p2, layer1_q2; run the missing "
        "cells, or leave their fields empty with --allow_missing.",
    ),
    "many cells missing": (
        add_distant_layer,
        COMMAND,
        "out: expected 12 layers x 5 zones. Received: no file for layer2_all, "
        "layer2_q2, layer2_q2p, layer2_p2q, layer2_p2, layer3_all, layer3_q2, "
        "layer3_q2p, layer3_p2q, layer3_p2 and 39 others; run the missing cells, or "
        "leave their fields empty with --allow_missing.",
    ),
    "no cells": (
        remove_all,
        COMMAND,
        "out: expected files named predictions_layer{L}_{zone}.json. Received: none; "
        "give the output directory of a sweep.",
    ),
    "no directory": (
        lambda work: None,
        ["no", *COMMAND[1:]],
        "no: expected a directory of predictions files.",
    ),
    "nowhere to write": (
        lambda work: None,
        ["out", "no/results.csv", *COMMAND[2:]],
        "no/results.csv: expected a file in a directory that exists. Received: no, "
        "which does not; create it.",
    ),
    "no dev file": (
        remove("dev.json"),
        COMMAND,
        "dev.json: no such file; check the path.",
    ),
    "broken dev file": (
        replace("dev.json", "{"),
        COMMAND,
        "dev.json: broken JSON at line 1, column 2: Expecting property name enclosed "
        "in double quotes. Write the file again, or download it again.",
    ),
    "broken cell": (
        replace(CELL, '{"1": "north'),
        COMMAND,
        f"{CELL}: broken JSON at line 1, column 7: Unterminated string starting at. "
        "Write the file again, or download it again.",
    ),
    "cell of another dataset": (
        replace(CELL, '{"x": "north"}'),
        COMMAND,
        f"{CELL}: expected predictions for the questions of dev.json. Received: 1 ids, "
        "none of them in it; check that the two files belong together.",
    ),
    "baseline no object": (
        replace("out/predictions.json", "3"),
        COMMAND,
        "out/predictions.json: expected one JSON object, question id -> answer text. "
        "Received: 3.",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input(work, case):
    change, command, expected = BAD_INPUT[case]
    change(work)
    code, out, err = run(*command, cwd=work)
    assert err == f"zonekeras collect: error: {expected}\n"
    assert code == 2
    assert not (work / "results.csv").exists()
    assert {path.name for path in work.iterdir()} <= {"dev.json", "out"}


def test_predict_file_is_required(work):
    code, out, err = run(*COMMAND[:2], cwd=work)
    assert (code, out) == (2, "")
    assert err.startswith(
        "zonekeras collect: error: expected --predict_file. Received: none; see "
    )


def test_an_older_table_survives_bad_input(work):
    (work / "results.csv").write_text("old")
    (work / CELL).unlink()
    assert run(*COMMAND, cwd=work)[0] == 2
    assert (work / "results.csv").read_text() == "old"


def test_twelve_layers_of_real_questions(shared_dir, tmp_path):
    dev = shared_dir / "data/xquad_en_heldout.json"
    golds = {q.id: q.answers[0].text for q in read_squad(dev).questions()}
    ids = list(golds)
    for layer in range(12):
        for column, zone in enumerate(ZONES):
            wrong = set(ids[: 5 * layer + column])
            texts = {key: "" if key in wrong else golds[key] for key in ids}
            write(tmp_path / f"predictions_layer{layer}_{zone}.json", texts)
    code, out, err = run(
        tmp_path, tmp_path / "results.csv", "--predict_file", dev, cwd=tmp_path
    )
    assert (code, err) == (0, "")
    results = tmp_path / "results.csv"
    assert out == f"{METRIC}{results}: EM of 12 layers x 5 zones\n"
    assert read_results_csv(tmp_path / "results.csv") == {
        (layer, zone): round(100 * (265 - 5 * layer - column) / 265, 3)
        for layer in range(12)
        for column, zone in enumerate(ZONES)
    }

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PASSAGE = "The Nile flows north, past Cairo, into the sea."


def run(*arguments, cwd):
    """Runs the command as a user would; returns the code and both outputs."""
    finished = subprocess.run(
        [sys.executable, "-m", "cli.evaluate", *map(str, arguments)],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return finished.returncode, finished.stdout, finished.stderr


def dataset(*questions, context=PASSAGE):
    """Returns a file's content from (id, answer texts) or whole entries."""
    entries = [
        {
            "id": item[0],
            "question": "Where?",
            "answers": [
                {"text": text, "answer_start": context.find(text)} for text in item[1]
            ],
        }
        if isinstance(item, tuple)
        else item
        for item in questions
    ]
    return {"data": [{"paragraphs": [{"context": context, "qas": entries}]}]}


@pytest.fixture
def work(tmp_path):
    """A directory with a dataset and predictions."""
    files = {
        "dev.json": dataset(("1", ["north"]), ("2", ["past Cairo"]), ("3", ["sea"])),
        "predictions.json": {"1": "North.", "2": "Cairo", "3": "x", "4": "extra"},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    return tmp_path


def write(path, content):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(raw)


SQUAD = {
    "metric": "squad",
    "because": "auto: every question has an answer, and no passages in Chinese "
    "characters",
}
GOOD = {
    "exact_match": 100.0 * 1 / 3,
    "f1": 100.0 * (1 + 2 / 3) / 3,
    **SQUAD,
}


def test_one_line_of_json(work):
    code, out, err = run("dev.json", "predictions.json", cwd=work)
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    assert json.loads(out) == GOOD


def test_missing_predictions_are_counted(work):
    write(work / "predictions.json", {"1": "north"})
    code, out, err = run("dev.json", "predictions.json", cwd=work)
    assert code == 0
    assert json.loads(out) == {"exact_match": 100.0 / 3, "f1": 100.0 / 3, **SQUAD}
    assert err == (
        "zonekeras evaluate: warning: predictions.json: no prediction for 2 of 3 "
        "questions, such as '2'\n"
    )


def test_skip_bad(work):
    bad = {"id": "", "question": "?", "answers": []}
    write(work / "dev.json", dataset(("1", ["north"]), bad))
    code, out, err = run("dev.json", "predictions.json", "--skip_bad", cwd=work)
    scores = {"exact_match": 100.0, "f1": 100.0}
    assert (code, json.loads(out)) == (
        0,
        scores | {"left_out": 1, "left_out_of": 2} | SQUAD,
    )
    assert err == ("zonekeras evaluate: warning: dev.json: 1 of 2 questions left out\n")


def test_skip_bad_has_to_leave_something(work):
    """One fault of a passage can take nearly all questions with it."""
    what = dataset(*((str(number), ["north"]) for number in range(40)))
    paragraphs = what["data"][0]["paragraphs"]
    paragraphs[0]["context"] = ""
    paragraphs += dataset(("good", ["north"]))["data"][0]["paragraphs"]
    write(work / "dev.json", what)
    code, out, err = run("dev.json", "predictions.json", "--skip_bad", cwd=work)
    assert (code, out) == (2, "")
    assert err == (
        'zonekeras evaluate: error: dev.json: data[0].paragraphs[0]: "context" is '
        "empty. Correct the file: --skip_bad would leave 1 of 41 questions.\n"
    )


def test_numbers_as_ids(work):
    """As in every export of Haystack's annotation tool."""
    entry = {"question": "?", "answers": [{"text": "north"}], "is_impossible": False}
    write(work / "dev.json", dataset({"id": 1, **entry}, {"id": 2, **entry}))
    code, out, err = run("dev.json", "predictions.json", cwd=work)
    assert (code, err) == (0, "")
    assert json.loads(out) == {"exact_match": 50.0, "f1": 50.0, **SQUAD}


def test_version_2_with_null_odds(work):
    none = {"id": "2", "question": "?", "answers": [], "is_impossible": True}
    write(work / "dev.json", dataset(("1", ["north"]), none))
    write(work / "odds.json", {"1": -2.5, "2": 3})
    arguments = ["dev.json", "predictions.json", "--null_odds", "odds.json"]
    code, out, err = run(*arguments, cwd=work)
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert list(result) == [
        *["exact", "f1", "total"],
        *["HasAns_exact", "HasAns_f1", "HasAns_total"],
        *["NoAns_exact", "NoAns_f1", "NoAns_total"],
        *["best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"],
        *["metric", "because"],
    ]
    assert (result["exact"], result["total"]) == (100.0, 2)
    assert (result["best_exact"], result["best_exact_thresh"]) == (100.0, -2.5)
    code, out, err = run(*arguments, "-na-prob-thresh=3", cwd=work)
    assert json.loads(out)["exact"] == 50.0


def test_chinese(work):
    context = "尼罗河向北流。"
    write(work / "dev.json", dataset(("1", ["尼罗河"]), context=context))
    write(work / "predictions.json", {"1": "罗河"})
    code, out, err = run("dev.json", "predictions.json", cwd=work)
    assert (code, err) == (0, "")
    f1 = 100 * (2 * 1 * (2 / 3) / (1 + 2 / 3))
    assert json.loads(out) == {
        **{"AVERAGE": f1 * 0.5, "F1": f1, "EM": 0.0},
        **{"TOTAL": 1, "SKIP": 0},
        "metric": "cmrc2018",
        "because": "auto: the passages are in Chinese characters",
    }
    code, out, err = run("dev.json", "predictions.json", "--metric=squad", cwd=work)
    assert json.loads(out) == {"exact_match": 0.0, "f1": 0.0, "metric": "squad"}
    assert err == (
        "zonekeras evaluate: warning: dev.json: F1 of metric squad compares words, and "
        "the passages are in a script that does not separate them: it says nothing "
        "beyond exact match; --metric=drcd compares characters, --metric=cmrc2018 runs "
        "of them\n"
    )


Q1 = 'question "1" (data[0].paragraphs[0].qas[0])'
ADVICE = "Correct the file"
ANSWER = {"text": "north", "answer_start": 15}
ENTRY = {"id": "1", "question": "?", "answers": [ANSWER]}

# What replaces which file, and the line that comes back.
BAD_INPUT = [
    (
        {"dev.json": b'{"data": [}'},
        "dev.json: broken JSON at line 1, column 11: Expecting value. Write the file "
        "again, or download it again.",
    ),
    (
        {"dev.json": b'{"data": "\xff"}'},
        "dev.json: broken UTF-8 at byte 10 (0xff). Save the file as UTF-8, or download "
        "it again.",
    ),
    ({"dev.json": b""}, "dev.json: expected JSON. Received: an empty file."),
    ({"dev.json": None}, "dev.json: no such file; check the path."),
    (
        {"dev.json": {"1": "north"}},
        'dev.json: expected an object with a list "data". Received: an object with the '
        'keys ["1"]. Use a SQuAD-format file.',
    ),
    (
        {"dev.json": {"data": [{"title": "x"}]}},
        'dev.json: data[0]: expected a key "paragraphs". Received: ["title"]. '
        f"{ADVICE}.",
    ),
    (
        {"dev.json": dataset(ENTRY, context="")},
        f'dev.json: data[0].paragraphs[0]: "context" is empty. {ADVICE}.',
    ),
    (
        {"dev.json": dataset(ENTRY, ENTRY, ENTRY)},
        'dev.json: question "1" (data[0].paragraphs[0].qas[1]): duplicate id, first at '
        f"data[0].paragraphs[0].qas[0]. {ADVICE}, or leave bad entries out with "
        "--skip_bad (and 1 more such faults).",
    ),
    (
        {"dev.json": dataset(ENTRY | {"answers": [{"text": "?", "answer_start": 99}]})},
        f'dev.json: {Q1}: answers[0]: answer "?": expected "answer_start" from 0 to '
        f"46, inside its passage. Received: 99. {ADVICE}.",
    ),
    (
        {"dev.json": dataset(ENTRY | {"id": True})},
        'dev.json: data[0].paragraphs[0].qas[0]: expected "id" to be a string. '
        f"Received: true. {ADVICE}.",
    ),
    (
        {"dev.json": {"data": []}},
        "dev.json: expected at least one question. Received: none.",
    ),
    (
        {"dev.json": b'{"data": ' + 99_999 * b"["},
        "dev.json: broken JSON: nested too deep to be read.",
    ),
    (
        {"dev.json": dataset(ENTRY | {"answers": []})},
        "expected a gold answer for every question (metric squad). Received: none for "
        "question '1'; score a file that has answers, or use metric squad_v2.",
    ),
    ({"predictions.json": None}, "predictions.json: no such file; check the path."),
    (
        {"predictions.json": ["north"]},
        "predictions.json: expected one JSON object, question id -> answer text. "
        'Received: ["north"].',
    ),
    (
        {"predictions.json": {"1": ["north", 0.5]}},
        'predictions.json: question "1": expected the answer\'s text, a string. '
        'Received: ["north", 0.5].',
    ),
    (
        {"predictions.json": {"1": None}},
        'predictions.json: question "1": expected the answer\'s text, a string. '
        "Received: null.",
    ),
    (
        {"predictions.json": b'{"1": "a", "1": "b"}'},
        'predictions.json: broken JSON: the key "1" occurs twice in one object.',
    ),
    (
        {"predictions.json": b'{"1": "a"'},
        "predictions.json: broken JSON at line 1, column 10: Expecting ',' delimiter. "
        "Write the file again, or download it again.",
    ),
    (
        {"predictions.json": {"a": "b", "c": "d"}},
        "predictions.json: expected predictions for the questions of dev.json. "
        "Received: 2 ids, none of them in it; check that the two files belong "
        "together.",
    ),
    (
        {"predictions.json": {}},
        "predictions.json: expected predictions for the questions of dev.json. "
        "Received: 0 ids, none of them in it; check that the two files belong "
        "together.",
    ),
    (
        {"odds.json": {"1": "0.5"}},
        'odds.json: question "1": expected a finite number. Received: "0.5".',
    ),
    ({"odds.json": b'{"1": NaN}'}, "odds.json: broken JSON: NaN is no JSON number."),
    (
        {"odds.json": b'{"1": 1e999}'},
        'odds.json: question "1": expected a finite number. Received: Infinity.',
    ),
    (
        {"odds.json": {"1": 1}},
        "null odds are for metric squad_v2. Received: metric squad; leave the null "
        "odds out.",
    ),
    (
        {
            "odds.json": {"2": 1},
            "dev.json": dataset(
                ENTRY, {**ENTRY, "id": "2", "answers": [], "is_impossible": True}
            ),
        },
        "expected null odds for every prediction. Received: none for question '1' and "
        "0 others.",
    ),
]


@pytest.mark.parametrize("index", range(len(BAD_INPUT)))
def test_bad_input(work, index):
    files, expected = BAD_INPUT[index]
    for name, content in files.items():
        if content is None:
            (work / name).unlink()
        else:
            write(work / name, content)
    odds = ["--null_odds", "odds.json"] if "odds.json" in files else []
    code, out, err = run("dev.json", "predictions.json", *odds, cwd=work)
    assert err == f"zonekeras evaluate: error: {expected}\n"
    assert (code, out) == (2, "")


def test_directory(work):
    code, out, err = run(".", "predictions.json", cwd=work)
    assert (code, out) == (2, "")
    assert err == (
        "zonekeras evaluate: error: .: expected a file. Received: a directory.\n"
    )


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], "expected dev.json, predictions.json. Received: none"),
        (["a", "b", "c"], "expected no further argument. Received: 'c'"),
        (["a", "b", "--metric", "bleu"], "--metric: expected one of auto, squad, "),
        (["a", "b", "--na_prob_thresh", "x"], "--na_prob_thresh: expected a number"),
        (["a", "b", "--nul_odds", "x"], "unknown flag --nul_odds (did you mean "),
    ],
)
def test_bad_flags(work, arguments, expected):
    code, out, err = run(*arguments, cwd=work)
    assert (code, out) == (2, "")
    assert err.startswith(f"zonekeras evaluate: error: {expected}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["a", "b", "--bad"]])
def test_help_and_flag_errors_import_nothing_heavy(work, arguments):
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cli.evaluate", *arguments],
        cwd=work,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {
        line.rsplit("|", 1)[1].strip().split(".")[0]
        for line in finished.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert {"argparse", "cli"} <= imported
    assert not imported & {"tensorflow", "keras", "jax", "numpy", "pandas", "scipy"}

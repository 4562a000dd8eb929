"""`zonekeras results`: listing, exporting, joining shards, and what it refuses."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pandas as pd
import pytest

from cli import results, sweep
from tests.builders import tiny_squad, write_hugging_face, write_json
from tests.reporting.stores import FOUND, answers, write_store
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.store.tidy import columns_of

COLUMNS = columns_of(["exact_match", "f1"])
ROOT = Path(__file__).resolve().parents[2]
HELP = "see 'zonekeras results --help'."
BACKEND = keras.backend.backend()
CELLS = ["layer1:q2", "layer1:p2", "layer0.head1:p2q"]

pytestmark = pytest.mark.usefixtures("models_are_loaded_once")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A directory with a finished sweep, two shards of it, and a stopped one."""
    directory = tmp_path_factory.mktemp("work")
    write_hugging_face(directory / "hf")
    write_json(directory / "dev.json", tiny_squad())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        assert run_sweep("--output_dir=whole") == 0
        assert run_sweep("--output_dir=one", "--shard=1/2") == 0
        assert run_sweep("--output_dir=two", "--shard", "2/2") == 0
    return directory


@pytest.fixture
def here(work, monkeypatch):
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "100")
    return work


def run_sweep(*flags):
    model = ["--model=hf", "--predict_file=dev.json", "--max_seq_length=29"]
    lengths = ["--doc_stride=7", "--token_budget=150"]
    return sweep.main([*model, *lengths, "--configurations", *CELLS, *flags])


def files(directory):
    return {
        path.name: path.read_bytes()
        for path in directory.iterdir()
        if path.name not in (STORE_FILE, "run.json", ".sweep.lock")
    }


def key_of(directory):
    with SweepStore(directory / STORE_FILE) as store:
        return store.key(1)[:12]


def test_a_finished_sweep_is_listed(here, capsys):
    before = sorted(path.name for path in here.glob("whole/*"))
    assert results.main(["whole"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == (
        f"run {key_of(here / 'whole')}: hf on dev.json (9 questions), strict, 29 "
        f"tokens, float32 on {BACKEND}, metric squad, its files are in the directory"
    )
    table = pd.read_parquet(here / "whole" / "results.parquet")
    rows = [line.replace("│", " ").split() for line in lines if "│" in line]
    assert rows == [
        [
            row["configuration"],
            f"{row['exact_match']:.3f}",
            f"{row['f1']:.3f}",
            f"{row['exact_match_effect']:+.3f}",
            f"{row['f1_effect']:+.3f}",
        ]
        for row in table.to_dict("records")
    ]
    assert len(rows) == 4
    assert not any("unfinished" in line for line in lines)
    assert sorted(path.name for path in here.glob("whole/*")) == before


def test_a_finished_shard_is_to_be_merged(here, capsys):
    with SweepStore(here / "one" / STORE_FILE) as store:
        sizes = [len(batch.windows) for batch in store.batches(1)]
    assert results.main(["one"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"run {key_of(here / 'whole')}: hf on dev.json (9 questions), strict, 29 "
        f"tokens, float32 on {BACKEND}, metric squad",
        f"shard 1/2: all of its {sum(sizes[::2])} windows are there; merge it",
    ]


@pytest.mark.parametrize("shard", [None, "2/2"])
def test_what_is_unfinished_says_how_far_it_is(here, tmp_path, capsys, shard):
    shutil.copy(here / "two" / STORE_FILE, tmp_path)
    with SweepStore(tmp_path / STORE_FILE) as store:
        sizes = [len(batch.windows) for batch in store.batches(1)]
        described = store.description(1) | {"shard": shard}
        store.run(store.content(1), store.data(1), described)
        database = store._database
        database.execute("DELETE FROM chunks WHERE batch = 1")
    assert results.main([str(tmp_path)]) == 0
    [_, line] = capsys.readouterr().out.splitlines()
    name = "unfinished" if shard is None else "shard 2/2 is unfinished"
    total = sum(sizes) if shard is None else sum(sizes[1::2])
    assert line == (
        f"{name}: {sum(sizes[3::2])} of {total} windows under 4 configurations; start "
        "the same sweep again to go on"
    )


def test_shards_are_joined_to_the_same_bytes(here, tmp_path, capsys):
    out = tmp_path / "joined"
    assert results.main(["merge", "one", "two", "--output_dir", str(out)]) == 0
    assert files(out) == files(here / "whole")
    # Predictions of four configurations; table, figures and where attention goes.
    assert len(files(out)) == 4 + 5
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("baseline: EM ")
    assert printed[-1] == f"results in {out}"
    record = json.loads((out / "run.json").read_text())
    assert record["command"] == "zonekeras results"
    assert record["arguments"] == ["merge", "one", "two", "--output_dir", str(out)]
    assert record["merged_from"] == ["one", "two"]


def expected_table(here):
    table = pd.read_parquet(here / "whole" / "results.parquet")
    table.insert(0, "run", key_of(here / "whole"))
    return table


def test_export_to_standard_output(here, capfdbinary):
    expected = expected_table(here)
    assert results.main(["whole", "--export", "csv"]) == 0
    text = capfdbinary.readouterr().out
    assert text.decode() == expected.to_csv(index=False, lineterminator="\n")
    assert text.count(b"\n") == 5
    assert results.main(["whole", "--export=json"]) == 0
    records = json.loads(capfdbinary.readouterr().out)
    assert [row["configuration"] for row in records] == ["baseline", *CELLS]
    assert [row["layer"] for row in records] == [None, 1, 1, 0]
    assert [row["head"] for row in records] == [None, None, None, 1]
    assert [row["set"] for row in records] == [None, "cells", "cells", "heads"]
    assert [row["f1"] for row in records] == pytest.approx(expected["f1"].tolist())
    assert results.main(["whole", "-export", "parquet"]) == 0
    found = pd.read_parquet(io.BytesIO(capfdbinary.readouterr().out))
    assert found.equals(expected)


def test_export_to_a_file(here, tmp_path, capsys):
    for form in results.FORMATS:
        path = tmp_path / f"cells.{form}"
        assert results.main(["whole", f"--export={form}", "--output", str(path)]) == 0
    assert capsys.readouterr().out == ""
    expected = expected_table(here)
    assert pd.read_parquet(tmp_path / "cells.parquet").equals(expected)
    found = pd.read_csv(tmp_path / "cells.csv")
    assert found["f1"].tolist() == pytest.approx(expected["f1"].tolist())
    assert len(json.loads((tmp_path / "cells.json").read_text())) == 4


def test_nothing_finished_exports_no_rows(here, capsys):
    assert results.main(["one", "--export=csv"]) == 0
    assert capsys.readouterr().out == ",".join(["run", *COLUMNS]) + "\n"
    assert results.main(["one", "--export=json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_store_without_runs(tmp_path, capsys):
    SweepStore(tmp_path / STORE_FILE).close()
    assert results.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no runs yet\n"


@pytest.fixture
def several(tmp_path, monkeypatch):
    """Two finished sweeps, and one that has not begun."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    changed = FOUND | {"layer1:p2q": answers()}
    for name, found in (("seed-1", FOUND), ("seed-2", changed)):
        write_store(tmp_path / "runs" / name, found, weights=name)
    folders = [{"folder": f"seed-{number}"} for number in (1, 2, 3)]
    write_json(tmp_path / "runs" / "run.json", {"runs": folders})
    return tmp_path / "runs"


def test_several_runs_are_listed_with_their_means(several, capsys):
    assert results.main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for number, line in enumerate(lines[:2], 1):
        key = key_of(several / f"seed-{number}")
        assert line.startswith(f"seed-{number}: run {key}: reader on dev.json (4 quest")
    assert lines[2] == "seed-3: not begun; start the same sweep again to go on"
    assert lines[3].startswith("no means yet: Expected a sweep's directory with sweep.")
    assert len(lines) == 4

    folders = [{"folder": f"seed-{number}"} for number in (1, 2)]
    write_json(several / "run.json", {"runs": folders})
    assert results.main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "mean of 2 runs ± standard deviation"
    rows = [line.split("│")[1:-1] for line in lines if "│" in line]
    table = {name.strip(): [one.strip() for one in rest] for name, *rest in rows}
    assert table["baseline"] == ["75.00 ± 0.00", "75.00 ± 0.00", "", ""]
    # Of four answers the first run loses three, the second none.
    assert table["layer1:p2q"][::2] == ["37.50 ± 53.03", "-37.50 ± 53.03"]


def test_several_runs_are_exported_with_their_folders(several, capsys):
    assert results.main(["runs", "--export=csv"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(table)[:3] == ["folder", "run", "model"]
    assert table["folder"].tolist() == ["seed-1"] * 4 + ["seed-2"] * 4
    assert table["run"].iloc[4] == key_of(several / "seed-2")
    assert table["configuration"].tolist() == [*FOUND, *FOUND]
    assert table["exact_match_effect"].tolist()[2::4] == [-75.0, 0.0]


def test_effects_by_groups_of_questions(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    write_store(tmp_path)
    arguments = [str(tmp_path), "--by=question_type"]
    assert results.main([*arguments, "--export=csv"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    cell = table[table["configuration"] == "layer1:p2q"].set_index("group")
    # The hostile question has "who" in it.
    assert cell["num_questions"].to_dict() == {"who": 2, "when": 1, "where": 1}
    assert cell["exact_match_baseline"].tolist() == [100.0, 0.0, 100.0]
    assert cell["exact_match_effect"].tolist() == [-100.0, 0.0, -100.0]
    assert cell["exact_match_low"].isna().tolist() == [False, True, True]
    assert set(cell["layer"]) == {1}
    assert len(table) == 3 * 3
    assert results.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].rstrip() == "EM effect by question type, points, and 95 % interval"
    [row] = [line.split("│")[1:-1] for line in lines if "layer1:p2q" in line]
    texts = [text.strip() for text in row]
    assert texts == ["layer1:p2q", "-100.0", "+0.0", "-100.0"]


BAD = [
    ([], f"expected OUT. Received: none; {HELP}"),
    (
        ["whole", "--export=xlsx"],
        "--export: expected one of csv, parquet, json. Received: 'xlsx'.",
    ),
    (
        ["one", "two"],
        "expected one directory to look at, or 'merge' before several. Received: one "
        f"two; {HELP}",
    ),
    (
        ["whole", "--output_dir=out"],
        "expected --output_dir with 'merge' only. Received: --output_dir out; " + HELP,
    ),
    (
        ["whole", "--output=cells.csv"],
        "expected --export with --output. Received: --output alone.",
    ),
    (
        ["merge"],
        "expected 'zonekeras results merge DIR DIR … --output_dir OUT'. Received: no "
        "shards' directories.",
    ),
    (
        ["merge", "one", "two"],
        "expected 'zonekeras results merge DIR DIR … --output_dir OUT'. Received: no "
        "--output_dir.",
    ),
    (
        ["merge", "one", "two", "--output_dir=out", "--export=csv"],
        "expected no --export, --by or --top with merge. Received: one; use it with "
        "what is merged.",
    ),
    (
        ["merge", "one", "--output_dir=out"],
        None,
    ),
    (
        ["merge", "one", "two", "--output_dir=one"],
        "Expected another --output_dir than the parts'. Received: one as both.",
    ),
    (
        ["whole", "--export=csv", "--output=nodir/x.csv"],
        "No such file or directory: nodir/x.csv",
    ),
    (
        ["nothing"],
        f"Expected a sweep's directory with {STORE_FILE}. Received: nothing, which has "
        "none. Give a sweep's --output_dir.",
    ),
    (
        ["nope://bucket/out"],
        "Expected the address of a file system that fsspec knows, such as "
        "gs://bucket/name. Received: nope://bucket/out (Protocol not known: nope).",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "message"), BAD, ids=[" ".join(flags) or "none" for flags, _ in BAD]
)
def test_bad_input_is_one_line(here, capsys, arguments, message):
    before = sorted(here.rglob("*"))
    assert results.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    if message is None:
        message = "Expected parts that make a whole sweep of "
        assert line.startswith(f"zonekeras results: error: {message}")
    else:
        assert line == f"zonekeras results: error: {message}"
    assert sorted(here.rglob("*")) == before


def test_parquet_is_not_for_a_terminal(here, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert results.main(["whole", "--export=parquet"]) == 2
    assert capsys.readouterr().err == (
        "zonekeras results: error: expected --output FILE for Parquet, which is not "
        "text. Received: a terminal.\n"
    )


@pytest.mark.parametrize("command", [["damaged"], ["damaged", "--export=csv"]])
def test_a_damaged_store(here, capsys, command):
    shutil.copytree(here / "whole", here / "damaged", dirs_exist_ok=True)
    path = here / "damaged" / STORE_FILE
    path.write_bytes(path.read_bytes()[:8192])
    assert results.main(command) == 2
    assert capsys.readouterr().err == (
        "zonekeras results: error: Expected a sweep store in damaged/sweep.sqlite. It "
        "is damaged or not one: database disk image is malformed. Run the sweep again "
        "into another directory; the predictions files beside the store are whole.\n"
    )


def test_it_is_a_command_of_zonekeras(here, run_cli):
    listed = run_cli("results", here / "whole")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.startswith(f"run {key_of(here / 'whole')}: hf on dev.json")


def test_listing_and_joining_need_no_keras(here, tmp_path):
    code = f"""
import sys
from cli.results import main
assert main(["whole"]) == 0
assert main(["merge", "one", "two", "--output_dir", {str(tmp_path / "out")!r}]) == 0
sys.exit(any(name in sys.modules for name in ("keras", "tensorflow", "jax")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_costliest_come_first(here, capsys):
    table = pd.read_parquet(here / "whole" / "results.parquet").iloc[1:]
    expected = sorted(
        table.to_dict("records"), key=lambda row: row["exact_match_effect"]
    )
    assert results.main(["whole", "--top", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.replace("│", " ").split() for line in lines if "│" in line]
    assert [row[:2] for row in rows] == [
        [row["configuration"], f"{row['exact_match']:.2f}"] for row in expected[:2]
    ]
    first = expected[0]
    low, high = first["exact_match_low"], first["exact_match_high"]
    assert rows[0][2].rstrip("*") == f"{first['exact_match_effect']:+.2f}"
    assert rows[0][3:] == [f"{low:+.2f}", f"{high:+.2f}"]


def test_top_is_refused_where_nothing_is_listed(here, capsys):
    assert results.main(["whole", "--top", "2", "--export", "csv"]) == 2
    assert capsys.readouterr().err == (
        "zonekeras results: error: expected --top without --export. Received: both; "
        "leave one out.\n"
    )

"""`zonekeras sweep` as it is used: pasted command lines, Ctrl-C, kills, a terminal."""

import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pandas as pd
import pytest

from cli import precision_warnings, sweep
from cli import results as results_command
from cli.sweep_run import DTYPE_OF_PRECISION
from tests.backends import ON_TENSORFLOW, only_tensorflow
from tests.builders import tiny_squad, write_hugging_face, write_json, write_tf1

ROOT = Path(__file__).resolve().parents[2]
ZONES = ["all", "q2", "q2p", "p2q", "p2"]
CELLS = [
    f"predictions_layer{layer}_{zone}.json" for layer in range(3) for zone in ZONES
]
TABLES = ["results.csv", "results.parquet", "heatmap.pdf", "heatmap.png"]
TABLES += ["attention.csv"]
MASS_EFFECT = ["mass_effect.pdf", "mass_effect.png"]  # of three cells or more
LENGTHS = ["--max_seq_length=29", "--doc_stride=7", "--token_budget=200"]

pytestmark = pytest.mark.usefixtures("models_are_loaded_once")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A directory with a model in two layouts and dev files."""
    directory = tmp_path_factory.mktemp("work")
    write_hugging_face(directory / "hf")
    if ON_TENSORFLOW:
        write_tf1(directory / "tf1")
    write_json(directory / "dev.json", tiny_squad())
    write_json(directory / "long.json", tiny_squad(num_passages=6))
    write_json(directory / "longer.json", tiny_squad(num_passages=10))
    return directory


@pytest.fixture
def here(work, monkeypatch):
    monkeypatch.chdir(work)
    return work


@pytest.fixture(scope="module")
def undisturbed(work):
    """What a whole sweep of the longer file leaves that nothing disturbed."""
    out = work / "undisturbed"
    flags = [f"--model={work / 'hf'}", f"--predict_file={work / 'long.json'}"]
    assert sweep.main([*flags, *LENGTHS, f"--output_dir={out}"]) == 0
    return results(out)


def results(directory):
    """Returns what a sweep left, by name: what has to be the same in every run."""
    return {
        path.name: path.read_bytes()
        for path in directory.iterdir()
        if path.name not in ("sweep.sqlite", "run.json", ".sweep.lock")
    }


def environment():
    """Returns a user's environment, without what this process set for itself."""
    mine = {"TF_CPP_MIN_LOG_LEVEL", "MPLBACKEND", "NO_COLOR", "FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in mine}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "xterm"}


def start(work, *arguments, **keywords):
    return subprocess.Popen(
        [sys.executable, "-m", "cli.sweep", *arguments],
        cwd=work,
        env=environment(),
        **keywords,
    )


PASTED = """
  -vocab_file=tf1/vocab.txt --bert-config-file tf1/bert_config.json
  --init_checkpoint=tf1/bert_model.ckpt --do_train=False --do_predict=True
  --do_lower_case=True --train_file=train-v1.1.json --predict_file=dev.json
  --train_batch_size=64 -predict-batch-size 4 --learning_rate=3e-5
  --num_train_epochs=3.0 --warmup_proportion=0.1 --max_seq_length=29 --doc_stride=7
  --use_tpu=False --tpu_name=my-tpu --version_2_with_negative=False --n_best_size 20
  --null_score_diff_threshold=0.0
""".split()


@only_tensorflow
def test_a_pasted_command_line_of_the_protocol(work):
    arguments = [*PASTED, "--mask_layer=2", "--mask_zone=q2", "--output_dir=pasted"]
    with start(
        work, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert set(results(work / "pasted")) == {"predictions.json", CELLS[11], *TABLES}
    # Plain lines where there is no terminal, and nothing of the libraries'.
    time_left = r"(\d+ min )?[\d.]+ s left"
    assert [re.sub(time_left, "T left", line) for line in err.splitlines()] == [
        "0 of 27 windows x 2 configurations",
        *(
            f"{done} of 27 windows x 2 configurations, T left"
            for done in (4, 8, 12, 16, 20, 24, 27)
        ),
    ]
    lines = out.splitlines()
    assert re.fullmatch(
        r"baseline: EM \d+\.\d{3}, F1 \d+\.\d{3} .9 questions.", lines[0]
    )
    assert lines[1].rstrip() == "EM minus baseline, points, and 95 % interval"
    assert lines[-2:] == [
        "metric squad: the SQuAD v1.1 script (auto: every question has an answer, and "
        "no passages in Chinese characters)",
        "results in pasted",
    ]
    assert "\x1b" not in out + err
    record = json.loads((work / "pasted" / "run.json").read_text())
    assert record["command"] == "zonekeras sweep"
    assert record["arguments"] == arguments
    assert record["flags"]["do_lower_case"] is True
    assert record["flags"]["mask_layer"] == 2
    assert record["settings"]["batch_size"] == 4
    assert record["configurations"] == ["baseline", "layer2:q2"]


@only_tensorflow
def test_the_tpu_that_the_flags_name_is_asked_for(here, capsys, monkeypatch):
    import tensorflow as tf

    asked = []

    def resolver(**what):
        asked.append(what)
        raise ValueError("nothing of that name\nin two lines")

    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", resolver)
    flags = ["--model=hf", "--predict_file=dev.json", "--output_dir=on-tpu", *LENGTHS]
    tpu = ["--use_tpu=True", "--tpu_name=my-tpu", "--tpu_zone=us-central1-b"]
    assert sweep.main([*flags, *tpu, "--gcp_project=mine"]) == 2
    assert asked == [{"tpu": "my-tpu", "zone": "us-central1-b", "project": "mine"}]
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "zonekeras sweep: error: Expected a TPU called 'my-tpu'. Received: nothing of "
        "that name"
    )
    assert not Path("on-tpu").exists()


@pytest.mark.parametrize(
    ("flags", "files"),
    [
        (["--mask_layer=1"], [*CELLS[5:10], *TABLES, *MASS_EFFECT]),
        (
            ["--mask_layer", "1", "--mask_zone", "None", "--attention_questions=0"],
            [*CELLS[5:10], *TABLES[:-1]],
        ),
        (["--mask_zone=q2"], ["predictions_layers_all_q2.json"]),
        (
            ["-mask-layer", "None", "-mask-zone", "P2Q"],
            ["predictions_layers_all_p2q.json"],
        ),
        (["--mask_layer=0", "--mask_zone=all"], [CELLS[0], *TABLES]),
        ([], [*CELLS, *TABLES, *MASS_EFFECT]),
        (
            [
                "--configurations",
                "layer1.head1:q2p",
                "layers0-1:q2",
            ],
            ["predictions_layer1.head1_q2p.json", "predictions_layers0-1_q2.json"],
        ),
        (
            ["--mask_layer=0", "--mask_zone=Q2P-text"],
            ["predictions_layer0_q2p-text.json", *TABLES],
        ),
        (
            ["--sets=heads", "--zones", "cls2p", "--layers", "1"],
            [
                "predictions_layer1.head0_cls2p.json",
                "predictions_layer1.head1_cls2p.json",
            ],
        ),
    ],
)
def test_the_files_of_the_protocols_flags(here, capsys, flags, files):
    out = here / f"out{len(list(here.iterdir()))}"
    model = ["--model=hf", "--predict_file=dev.json", *LENGTHS]
    assert sweep.main([*model, f"--output_dir={out}", *flags]) == 0
    expected = {"predictions.json", "results.parquet", *files}
    if "--attention_questions=0" not in flags:
        expected.add("attention.csv")
    assert set(results(out)) == expected
    printed = capsys.readouterr().out
    assert printed.startswith("baseline: EM ")
    for name in files:
        if "all_" in name or "head" in name:
            table = pd.read_parquet(out / "results.parquet").iloc[1]
            assert (
                f"{table['configuration']}: EM {table['exact_match']:.3f}, " in printed
            )


@only_tensorflow
def test_all_layouts_and_routes_give_the_same_bytes(here, capsys):
    import zonekeras
    from zonekeras.graph.options import ExportOptions
    from zonekeras.models.saved_model import SavedModelNetwork

    model = zonekeras.load("hf")
    model.save("keras")
    model.export("own", ExportOptions(answer=None))
    assert isinstance(zonekeras.load("own").network, SavedModelNetwork)
    flags = ["--predict_file=dev.json", *LENGTHS, "--semantics=published"]
    flags += ["--configurations", "layer1:all", "layer2:p2q", "layer0.head1:p2"]
    for name in ("hf", "tf1", "keras", "own"):
        out = f"--output_dir=route_{name}"
        assert sweep.main([f"--model=./{name}/", out, *flags]) == 0
    expected = results(here / "route_hf")
    assert len(expected) == 4 + len(TABLES)
    assert len({expected[name] for name in expected if "pred" in name}) == 4
    for name in ("tf1", "keras", "own"):
        found = results(here / f"route_{name}")
        table = pd.read_parquet(here / f"route_{name}" / "results.parquet")
        assert set(table["model"]) == {name}
        assert set(table["semantics"]) == {"published"}
        found["results.parquet"] = expected["results.parquet"]  # but for its name
        assert found == expected


def read_until(descriptor, pattern, seconds=120):
    """Reads a terminal until its text matches; returns all that came, uncoloured."""
    text = ""
    end = time.monotonic() + seconds
    while not re.search(pattern, text := re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)):
        assert time.monotonic() < end, f"no {pattern!r} in {text[-2000:]!r}"
        if select.select([descriptor], [], [], 1)[0]:
            try:
                text += os.read(descriptor, 65536).decode(errors="replace")
            except OSError:  # the other end is closed
                break
    return text


def take_terminal():
    """Makes standard input the controlling terminal, so that Ctrl-C is a signal.

    Which a process that was started in the background, as tests may be, ignores.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


# JAX warns of forks; this one becomes another program at once.
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
@pytest.mark.slow
def test_a_terminal_shows_a_bar_and_ctrl_c_keeps_what_is_finished(here, capsys):
    # Long enough that it cannot end between the first batch and Ctrl-C.
    flags = ["--model=hf", "--predict_file=longer.json", *LENGTHS]
    master, slave = pty.openpty()
    process = start(
        here,
        *flags,
        "--output_dir=stopped",
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    with process:
        os.close(slave)
        shown = read_until(master, r"[1-9]\d* of \d+ windows x 16 .*windows/s")
        os.write(master, b"\x03")
        shown += read_until(master, "interrupted")
        assert process.wait(timeout=60) == 130
    os.close(master)
    assert re.search(r"windows x 16 configurations .+\d+% +[\d.]+ windows/s", shown)
    kept = re.search(
        r"(\d+) of (\d+) windows x 16 configurations are kept in stopped; the same "
        r"command goes on from there\.\s+zonekeras sweep: interrupted",
        shown,
    )
    assert "Traceback" not in shown
    assert kept, shown[-2000:]
    assert sweep.main([*flags, "--output_dir=stopped"]) == 0
    # More where Ctrl-C came between storing a batch and saying so.
    first = capsys.readouterr().err.splitlines()[0]
    said = re.fullmatch(
        r"(\d+) of \d+ windows x 16 configurations, (\d+) of them kept from before",
        first,
    )
    assert 0 < int(kept[1]) <= int(said[1]) <= int(said[2])
    assert sweep.main([*flags, "--output_dir=never_stopped"]) == 0
    assert results(here / "stopped") == results(here / "never_stopped")


# Starts the command again and again and kills it each time. The command is forked off a
# process that has imported everything and run nothing, which takes no time.
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from tests.builders import *  # so that nothing is imported after the fork
import cli.sweep, cli.sweep_report, cli.sweep_run
import zonekeras.models.hugging_face, zonekeras.models.loading
import zonekeras.sweeping.sweep_run
import zonekeras.plotting.effects, zonekeras.plotting.figure_files

arguments, num_kills, seed = sys.argv[3:], int(sys.argv[1]), int(sys.argv[2])
generator = random.Random(seed)

def run(directory):
    child = os.fork()
    if child == 0:
        os._exit(cli.sweep.main([*arguments, "--output_dir=" + directory]))
    return child

begun = time.monotonic()
_, status = os.waitpid(run("whole"), 0)
assert status == 0, status
whole = time.monotonic() - begun
killed = directories = 0
finished = True
while killed < num_kills or not finished:
    directories += finished
    child = run(f"killed{directories}")
    if killed < num_kills:
        time.sleep(generator.uniform(0.1, 0.8) * whole)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    finished = not os.WIFSIGNALED(status)
    killed += not finished
    assert status == 0 or not finished, status
    print("finished" if finished else "killed", flush=True)
"""


@pytest.mark.slow  # of single kills see tests/store/test_sweep_store.py
def test_killed_at_random_moments_and_started_again(work, tmp_path):
    num_kills = 20
    seed = random.randrange(2**31)
    print(f"seed {seed}")  # shown when it fails
    command = [f"--model={work / 'hf'}", f"--predict_file={work / 'long.json'}"]
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(num_kills), str(seed), *command, *LENGTHS],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines().count("killed") == num_kills
    expected = results(tmp_path / "whole")
    assert set(expected) == {"predictions.json", *CELLS, *TABLES, *MASS_EFFECT}
    for directory in tmp_path.glob("killed*"):
        assert results(directory) == expected
    assert (tmp_path / "killed1").is_dir()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_nothing_is_lost(here, undisturbed, capsys):
    """The system refuses to let a file grow, in the middle of a sweep."""
    code = """
import resource, signal, sys
from pathlib import Path
import cli.sweep_report
from cli.sweep import main

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
show = cli.sweep_report.SweepDisplay.update
def update(self, progress):
    show(self, progress)
    if progress.windows_done > 30 and not progress.finished:
        size = Path("full/sweep.sqlite").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
cli.sweep_report.SweepDisplay.update = update
sys.exit(main())
"""
    flags = ["--model=hf", "--predict_file=long.json", *LENGTHS, "--output_dir=full"]
    done = subprocess.run(
        [sys.executable, "-c", code, *flags],
        cwd=here,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("zonekeras sweep: error: ")
    assert last.endswith("(full/sweep.sqlite)")
    assert "Traceback" not in done.stderr
    assert sweep.main(flags) == 0
    first = capsys.readouterr().err.splitlines()[0]
    assert int(re.search(r"(\d+) of them kept from before", first)[1]) > 30
    assert results(here / "full") == undisturbed


def test_a_dry_run_says_what_would_be_run_and_writes_nothing(here, capsys):
    before = sorted(here.rglob("*"))
    flags = ["--model=hf", "--predict_file=dev.json", *LENGTHS, "--dry_run"]
    # Of five batches, longest first, the shard has three.
    in_shard = ["--output_dir", "dry", "--shard=1/2"]
    for more, count in (([], 27), (["--output_dir=dry"], 27), (in_shard, 15)):
        assert sweep.main([*flags, *more]) == 0
        shapes, plan, seconds, nothing = capsys.readouterr().out.splitlines()
        assert re.fullmatch(
            rf"{count} windows in \d batches of \d shapes, the longest 6 x 29 tokens",
            shapes,
        )
        # 3 + 5 x (3 + 2 + 1) of 16 x 3, and by rows 4 x 3 + 5 x (2 + 1).
        assert plan == (
            "16 configurations: 33 layer evaluations instead of 48; counting rows, "
            "56.2% of the work (43.8% saved)"
        )
        assert re.fullmatch(r"expected time: \d+ s", seconds)
        assert nothing == "nothing was written (--dry_run)"
    assert sorted(here.rglob("*")) == before


def test_a_dry_run_of_a_shard_without_a_batch(here, capsys):
    flags = ["--model=hf", "--predict_file=dev.json", *LENGTHS, "--dry_run"]
    assert sweep.main([*flags, "--shard=6/30"]) == 0  # of five batches
    assert capsys.readouterr().out.splitlines() == [
        "0 windows: there are fewer batches than shards, and this one has none",
        "nothing was written (--dry_run)",
    ]


def test_shards_print_how_to_join_them(here, capsys):
    flags = ["--model=hf", "--predict_file=dev.json", *LENGTHS, "--mask_layer=1"]
    assert sweep.main([*flags, "--output_dir=part", "--shard=2/2"]) == 0
    printed = capsys.readouterr()
    assert printed.out == (
        "shard 2/2 is in part; when all are there: zonekeras results merge DIR DIR … "
        "--output_dir OUT\n"
    )
    first, *_, last = printed.err.splitlines()
    number = re.fullmatch(r"0 of (\d+) windows x 6 configurations", first)[1]
    assert 0 < int(number) < 27
    assert last.startswith(f"{number} of {number} windows x 6 configurations")
    assert results(here / "part") == {}
    record = json.loads((here / "part" / "run.json").read_text())
    assert record["flags"]["shard"] == "2/2"


@pytest.mark.parametrize("value", ["0/2", "3/2", "half", "1"])
def test_what_is_no_shard(here, capsys, value):
    flags = ["--model=hf", "--predict_file=dev.json", "--output_dir=none"]
    assert sweep.main([*flags, f"--shard={value}"]) == 2
    assert capsys.readouterr().err == (
        "zonekeras sweep: error: --shard: expected I/N with 1 <= I <= N, such as 2/4. "
        f"Received: {value!r}.\n"
    )
    assert not (here / "none").exists()


@pytest.fixture
def bfloat16_pays(monkeypatch):
    """Pretends to be on a machine where bfloat16 isn't slower than float32."""
    monkeypatch.setattr(precision_warnings, "bfloat16_drawback", lambda: None)


@pytest.mark.filterwarnings("always:--precision:UserWarning")
@pytest.mark.parametrize("more", [["--dry_run"], ["--output_dir=slow"]])
def test_a_precision_that_does_not_pay_is_said_first(here, capsys, monkeypatch, more):
    monkeypatch.setattr(precision_warnings, "bfloat16_drawback", lambda: "it is old")
    flags = ["--model=hf", "--predict_file=dev.json", *LENGTHS, "--mask_layer=1"]
    assert sweep.main([*flags, *more, "--precision=bfloat16"]) == 0
    first, *others = capsys.readouterr().err.splitlines()
    assert first == (
        "zonekeras sweep: warning: --precision bfloat16 will be slower than float32 "
        "here: it is old"
    )
    assert not [line for line in others if "slower" in line]


@pytest.mark.usefixtures("bfloat16_pays")
def test_another_precision_is_compared_on_a_sample(here, capsys):
    flags = ["--model=hf", "--predict_file=dev.json", *LENGTHS, "--output_dir=bf16"]
    cell = ["--mask_layer=1", "--mask_zone=p2", "--precision=bfloat16"]
    assert sweep.main([*flags, *cell]) == 0
    *_, where, compared = capsys.readouterr().out.splitlines()
    assert where == "results in bf16"
    found = re.fullmatch(
        r"mixed_bfloat16: (\d+) of 18 answers \(([\d.]+)%\) differ from float32 on a "
        r"sample of 9 questions x 2 configurations; mean F1 [+-]\d+\.\d\d",
        compared,
    )
    assert float(found[2]) == pytest.approx(int(found[1]) / 18 * 100, abs=0.01)
    assert sweep.main([*flags[:-1], "--output_dir=float32", *cell[:2]]) == 0
    assert "differ from" not in capsys.readouterr().out


@pytest.mark.usefixtures("bfloat16_pays")
def test_the_reference_is_float32_whatever_the_model_was_saved_in(here, capsys):
    import zonekeras

    zonekeras.load("hf", dtype="mixed_bfloat16").save("half")
    flags = ["--model=half", "--predict_file=dev.json", *LENGTHS]
    flags += ["--configurations", "layers0-1:p2"]
    for precision, out in (("bfloat16", "half_out"), ("float32", "full_out")):
        more = [f"--precision={precision}", f"--output_dir={out}"]
        assert sweep.main([*flags, *more]) == 0
        compared = " differ from float32 on a " in capsys.readouterr().out
        assert compared == (precision == "bfloat16")
        assert results_command.main([out]) == 0
        run_in = re.findall(r"29 tokens, (\S+) on", capsys.readouterr().out)
        assert run_in == [DTYPE_OF_PRECISION[precision] or "float32"]


def test_the_token_budget_groups_windows_and_changes_no_answer(here, capsys):
    flags = ["--model=hf", "--predict_file=dev.json", *LENGTHS[:2]]
    flags += ["--configurations", "layer1:p2"]
    found = []
    for budget in (29, 1000):
        out = here / f"budget{budget}"
        more = [f"--token_budget={budget}", f"--output_dir={out}"]
        assert sweep.main([*flags, *more]) == 0
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == {29: 1 + 20, 1000: 1 + 1}[budget]
        found.append((out / "predictions_layer1_p2.json").read_bytes())
    assert found[0] == found[1]
    assert sweep.main([*flags, "--token_budget=0", "--output_dir=none"]) == 2
    assert capsys.readouterr().err == (
        "zonekeras sweep: error: --token_budget: expected a whole number of at least "
        "1. Received: '0'.\n"
    )


@pytest.mark.filterwarnings("default:other. 7 files of a sweep")
@pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")
def test_another_setting_in_the_same_directory_needs_overwrite(here, capsys):
    def run(*flags):
        model = ["--model=hf", "--predict_file=dev.json", "--output_dir=other"]
        return sweep.main([*model, "--configurations=layer2:q2", *LENGTHS, *flags])

    assert run() == 0
    before = {path.name: path.read_bytes() for path in here.glob("other/*.json")}
    capsys.readouterr()
    assert run("--max_query_length=3") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(
        "zonekeras sweep: error: Expected a directory without results, or with those "
    )
    assert said.endswith(
        "files of another sweep. Choose another --output_dir, or give "
        "--overwrite=True, which removes them and keeps their answers in sweep.sqlite."
    )
    for name, content in before.items():
        assert (here / "other" / name).read_bytes() == content
    assert run("--max_query_length=3", "--overwrite") == 0
    assert "are removed; sweep.sqlite keeps its answers" in capsys.readouterr().err

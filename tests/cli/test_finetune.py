"""`zonekeras finetune` as it is used: pasted flags, seeds, Ctrl-C, and bad input."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli import finetune, precision_warnings
from tests.builders import (
    ONE_LAYER,
    tiny_squad,
    write_hugging_face,
    write_json,
    write_tf1,
)
from tests.graph.c_api import read_signatures

ROOT = Path(__file__).resolve().parents[2]
HELP = "see 'zonekeras finetune --help'."
OTHER_FLAGS = "expected other flags. Received: "
SHORT = ["--max_seq_length=29", "--doc_stride=7", "--num_train_epochs=0.2"]
GOOD = ["--model=hf", "--train_file=train.json", "--output_dir=never"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    directory = tmp_path_factory.mktemp("work")
    write_hugging_face(directory / "hf", **ONE_LAYER)
    write_tf1(directory / "tf1")
    write_json(directory / "train.json", tiny_squad(num_passages=4))
    write_json(directory / "dev.json", tiny_squad())
    bad = tiny_squad()
    bad["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] += 1
    write_json(directory / "shifted.json", bad)
    (directory / "foreign").mkdir()
    (directory / "foreign" / "predictions.json").write_text("{}")
    return directory


@pytest.fixture
def here(work, monkeypatch):
    monkeypatch.chdir(work)
    return work


@pytest.mark.parametrize(("flag", "used"), [("True", "0"), ("False", "1")])
def test_determinism_goes_without_onednn(here, flag, used, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    flags = [*GOOD, "--train_file=nowhere.json", f"--deterministic={flag}"]
    assert finetune.main(flags) == 2
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == used


def test_the_protocols_command_line_works_pasted(here, capsys):
    flags = (
        "-train_file=train.json --predict_file dev.json --vocab_file=tf1/vocab.txt "
        "--bert_config_file=tf1/bert_config.json "
        "--init_checkpoint=tf1/bert_model.ckpt --do_train --do_predict=True "
        "--do-lower-case=True --train_batch_size=5 --learning_rate=3e-5 "
        "--num_train_epochs=0.2 --warmup_proportion 0.1 --max_seq_length=29 "
        "--doc_stride=7 --max_query_length=9 --use_tpu=False --tpu_name= "
        "--mask_layer None --output_dir=protocol"
    )
    assert finetune.main(flags.split()) == 0
    said = capsys.readouterr()
    assert said.out.startswith("EM ") and said.out.endswith("model in protocol\n")
    assert "warning" not in said.err
    assert len(json.loads(Path("protocol/predictions.json").read_text())) == 9
    signatures = read_signatures(Path("protocol/1/saved_model.pb").read_bytes())
    assert sorted(signatures) == ["answer", "serving_default"]
    record = json.loads(Path("protocol/run.json").read_text())
    assert record["command"] == "zonekeras finetune"
    assert record["settings"]["train_batch_size"] == 5
    assert finetune.main(flags.split()) == 0
    assert "protocol: was finished before; nothing to train" in capsys.readouterr().out


@pytest.mark.slow
def test_several_seeds(here, capsys):
    flags = [*GOOD[:2], *SHORT, "--predict_file=dev.json", "--output_dir=seeds"]
    assert finetune.main([*flags, "--seeds", "1", "2"]) == 0
    assert "2 runs: EM " in capsys.readouterr().out
    made = [
        json.loads(Path(f"seeds/seed-{seed}/zonekeras.json").read_text())
        for seed in (1, 2)
    ]
    assert [one["made_by"]["settings"]["seed"] for one in made] == [1, 2]
    assert made[0]["fingerprint"] != made[1]["fingerprint"]


def test_predicting_without_training(here, capsys):
    """The protocol's second command: the same flags, and --do_train=False."""
    flags = [*GOOD[:2], "--predict_file=dev.json", *SHORT]
    assert finetune.main([*flags, "--output_dir=trained"]) == 0
    scored, metric = capsys.readouterr().out.splitlines()[:2]
    assert metric == (
        "metric squad: the SQuAD v1.1 script (auto: every question has an answer, and "
        "no passages in Chinese characters)"
    )
    flags[0] = "--model=trained"
    again = [*flags, "--do_train=False", "--do_predict=True", "--output_dir=predicted"]
    assert finetune.main(again) == 0
    assert capsys.readouterr().out == f"{scored}\n{metric}\npredictions in predicted\n"
    answers = [Path(name, "predictions.json") for name in ("trained", "predicted")]
    assert answers[0].read_bytes() == answers[1].read_bytes()
    scores = json.loads(Path("predicted/scores.json").read_text())
    assert scored == (
        f"EM {scores['exact_match']:.3f}, F1 {scores['f1']:.3f} (9 questions)"
    )
    assert json.loads(Path("predicted/run.json").read_text())["model"] == "hf"
    assert finetune.main([*again, "--n_best_size=3"]) == 2
    assert "another one, with n_best_size 3 instead of 20." in capsys.readouterr().err


@pytest.mark.filterwarnings("always:--precision:UserWarning")
def test_a_precision_that_does_not_pay_is_said_first(here, capsys, monkeypatch):
    monkeypatch.setattr(precision_warnings, "bfloat16_drawback", lambda: "it is old")
    flags = [*GOOD[:2], *SHORT, "--precision=mixed_bfloat16", "--output_dir=slow"]
    assert finetune.main(flags) == 0
    assert capsys.readouterr().err.splitlines()[0] == (
        "zonekeras finetune: warning: --precision mixed_bfloat16 will be slower than "
        "float32 here: it is old"
    )


def test_from_scratch_needs_no_weights(here, capsys):
    flags = "--from_scratch --vocab_file tf1/vocab.txt --train_file=train.json"
    config = "--bert_config_file=tf1/bert_config.json"
    assert finetune.main([*flags.split(), config, *SHORT, "--output_dir=scratch"]) == 0
    assert capsys.readouterr().out == "model in scratch\n"
    assert not Path("scratch/predictions.json").exists()


BAD = [
    (
        ["--seed=1"],
        f"{OTHER_FLAGS}--model is missing; --train_file is missing; --output_dir is "
        f"missing; {HELP}",
    ),
    (
        [*GOOD, "--do_train=False"],
        f"{OTHER_FLAGS}--do_train=False needs --predict_file to answer; {HELP}",
    ),
    (
        ["--do_train=False", "--do_predict=False", "--from_scratch", "--seeds", "1"],
        f"{OTHER_FLAGS}--model is missing; --output_dir is missing; --do_train=False "
        "--do_predict=False leave nothing to do; --from_scratch is for training, not "
        "with --do_train=False; --seeds is for training, not with --do_train=False; "
        f"{HELP}",
    ),
    (
        [*GOOD, "--do_predict"],
        f"{OTHER_FLAGS}--do_predict needs --predict_file; {HELP}",
    ),
    (
        [*GOOD, "--mask_layer=3"],
        f"{OTHER_FLAGS}--mask_layer is for 'zonekeras sweep', not for training; {HELP}",
    ),
    (
        [*GOOD, "--strategy=one", "--use_tpu"],
        f"{OTHER_FLAGS}--strategy one and --use_tpu exclude each other; {HELP}",
    ),
    (
        [*GOOD, "--seeds", "1", "1"],
        f"{OTHER_FLAGS}--seeds has a seed twice; {HELP}",
    ),
    (
        [*GOOD, "--learning_rate=0"],
        "--learning_rate: expected a number above 0. Received: '0'.",
    ),
    (
        [*GOOD, "--dropout=1"],
        "Expected other training settings. Received: dropout=1.0 is not a number from "
        "0 to less than 1, or None.",
    ),
    (
        [*GOOD, "--keep=best"],
        "Expected a dev set with gold answers to choose the best weights by. Received: "
        "keep='best' with none.",
    ),
    (
        [*GOOD[:2], "--output_dir=foreign"],
        "Expected a directory without a model, or one where this run began. Received: "
        "foreign with predictions.json. Choose another --output_dir.",
    ),
    (
        [*GOOD[1:], "--vocab_file=v"],
        f"{OTHER_FLAGS}--vocab_file without --bert_config_file, --init_checkpoint; "
        f"{HELP}",
    ),
    (
        ["--from_scratch", "--vocab_file=v"],
        f"{OTHER_FLAGS}--vocab_file without --bert_config_file; --train_file is "
        f"missing; --output_dir is missing; {HELP}",
    ),
]


@pytest.mark.parametrize(("flags", "line"), BAD)
def test_bad_input_is_one_line_and_leaves_nothing(here, capsys, flags, line):
    assert finetune.main(flags) == 2
    assert capsys.readouterr().err == f"zonekeras finetune: error: {line}\n"
    assert not Path("never").exists()
    assert [path.name for path in Path("foreign").iterdir()] == ["predictions.json"]


def test_a_shifted_answer_is_found_before_a_model_is_loaded(here, capsys):
    flags = ["--model=no-such", "--train_file=shifted.json", "--output_dir=never"]
    assert finetune.main(flags) == 2
    assert "shifted.json: " in capsys.readouterr().err
    assert not Path("never").exists()


def test_a_tpu_that_is_not_there_is_missed_before_a_model_is_loaded(here, capsys):
    assert finetune.main([*GOOD[1:], "--model=no-such", "--use_tpu=True"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "zonekeras finetune: error: Expected a TPU in this machine. Received: "
    )
    assert error.count("\n") == 1
    assert not Path("never").exists()


def test_flag_errors_load_nothing_heavy():
    script = (
        "import sys; from cli import finetune; code = finetune.main(['--bogus']); "
        "print(code, {'numpy', 'keras', 'tensorflow'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2 set()\n"


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_a_display_says_how_to_go_on(tmp_path, capsys, has_checkpoint):
    from cli.finetune_report import FinetuneDisplay
    from zonekeras.training import Progress

    if has_checkpoint:
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "last.safetensors").touch()
    with pytest.raises(KeyboardInterrupt), FinetuneDisplay(tmp_path) as display:
        display.update(Progress("training", 3, 40, loss=1.5))
        raise KeyboardInterrupt
    rest = "there is no checkpoint yet; the same command begins again."
    if has_checkpoint:
        rest = f"the last checkpoint is in {tmp_path}; the same command goes on from "
    assert f"stopped at step 3 of 40; {rest}" in capsys.readouterr().err


def test_ctrl_c_keeps_a_checkpoint_and_says_how_to_go_on(work):
    flags = ["--model=hf", "--train_file=train.json", "--output_dir=stopped"]
    settings = ["--max_seq_length=29", "--doc_stride=7", "--train_batch_size=1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.finetune", *flags, *settings]
        + ["--num_train_epochs=2000"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.PIPE,
        text=True,
    )
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert "step 1/" in first, first + errors
    assert process.returncode == 130
    assert "the last checkpoint is in stopped; the same command goes on from" in errors
    assert errors.endswith("zonekeras finetune: interrupted\n")
    assert (work / "stopped" / "checkpoints" / "last.safetensors").exists()
    assert not (work / "stopped" / "zonekeras.json").exists()

"""The commands that are tried, and the files that each of them reads.

A new command or format gets a line here; mutators and verdicts are the same for all.
"""

from typing import NamedTuple

from tests.fuzz.seeds import SWEEP, WINDOWS

_MODEL = ["config.json", "model.safetensors", "vocab.txt"]
_OWN = ["zonekeras.json", "model.keras", "tokenizer.json"]
_PREDICTIONS = ["predictions.json", "predictions_layer0_q2.json"]


class Command(NamedTuple):
    """A command line that ends well on the seeds.

    Attributes:
        words: The command's name and its arguments; paths below the seeds alone.
        reads: The files that it reads, from which one is damaged.
        makes: What it makes, which must not be there after it was refused.
        weight: How often it is tried.
    """

    words: list[str]
    reads: list[str]
    makes: list[str] = []
    weight: int = 8


def _in(folder, names):
    return [f"{folder}/{name}" for name in names]


_STORES = ["part1/sweep.sqlite", "part2/sweep.sqlite"]
_RUNS = ["runs/run.json", "runs/hf/sweep.sqlite", "runs/own/sweep.sqlite"]

COMMANDS = [
    Command(
        [
            "evaluate",
            "dev.json",
            "swept/predictions.json",
            "--null_odds=swept/null_odds.json",
        ],
        ["dev.json", "swept/predictions.json", "swept/null_odds.json"],
    ),
    Command(
        ["collect", "swept", "made.csv", "--predict_file=dev.json", "--allow_missing"],
        ["dev.json", *_in("swept", _PREDICTIONS)],
        ["made.csv"],
    ),
    Command(["results", "swept"], ["swept/sweep.sqlite"], weight=16),
    Command(["results", "swept", "--export=csv"], ["swept/sweep.sqlite"]),
    Command(["results", "swept", "--by=question_type"], ["swept/sweep.sqlite"]),
    Command(["results", "runs"], _RUNS),
    Command(
        ["results", "merge", "part1", "part2", "--output_dir=merged"],
        _STORES,
        ["merged"],
    ),
    Command(["report", "swept"], ["swept/sweep.sqlite", "swept/run.json"]),
    Command(["report", "runs"], _RUNS),
    Command(
        ["compare", "runs", "swept", "--output_dir=compared"],
        [*_RUNS, "swept/sweep.sqlite"],
    ),
    Command(["plot", "results.csv", "80", "made.png"], ["results.csv"], ["made.png"]),
    Command(["plot", "swept", "made.png"], ["swept/results.parquet"], ["made.png"]),
    Command(
        ["sweep", "--model=hf", *SWEEP, "--output_dir=made"],
        ["dev.json", *_in("hf", _MODEL)],
        ["made"],
        weight=4,
    ),
    Command(
        ["sweep", "--model=own", *SWEEP, "--output_dir=made"],
        _in("own", _OWN),
        ["made"],
        weight=4,
    ),
    Command(
        ["sweep", "--model=hf", *SWEEP, "--output_dir=swept"],
        ["swept/sweep.sqlite"],
        weight=2,
    ),
    Command(
        ["gradients", "--model=hf", *WINDOWS, "--exact=0", "--output_dir=made"],
        ["dev.json", *_in("hf", _MODEL)],
        ["made"],
        weight=1,
    ),
    Command(
        ["export", "--model=own", "--output_dir=made"],
        _in("own", _OWN),
        ["made"],
        weight=1,
    ),
    Command(
        [
            "finetune",
            "--model=hf",
            "--train_file=dev.json",
            "--max_seq_length=29",
            "--doc_stride=7",
            "--num_train_epochs=0.1",
            "--output_dir=made",
        ],
        ["dev.json", *_in("hf", _MODEL)],
        ["made"],
        weight=1,
    ),
]

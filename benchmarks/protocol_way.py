"""Our sweep beside the protocol's way: padding to 512, one pass for each cell.

The protocol starts a process for every cell; it loads the model, pads every window to
`max_seq_length` and runs the whole of it. Here both run the same model and code in one
process, turn about: a pass is the baseline's graph at full length with a flipped table
and the same vectorised decoding (the protocol's own is slower), ours is `run_sweep`
without files. `--passes` of them are run, taken evenly over the configurations, and
scaled to all; a pass takes as long whatever it masks. Answers are compared.

What a process costs beside its pass is measured by starting some: from the start of
Python to the first batch's logits and the end of the process, less what that batch
takes when it is run once more. It is counted once for every configuration, and once for
ours. The share of starts depends on how much there is to run, so the later lines scale
both ways' passes to all questions of the file. Our batches of a few questions hold more
padding than those of a file, so that scaling makes our time longer than it is.

Every process of the protocol also featurizes the dev set and decodes its logits in pure
Python. The last line takes that from the same code as it is kept in tf-models-official
(`squad_lib`, extra `tf-models`), run on the sample and scaled like the passes; in the
lines before it both ways have our vectorised code.

    python benchmarks/protocol_way.py
    python benchmarks/protocol_way.py --questions 265 --passes 3 --rounds 1
    python benchmarks/protocol_way.py --questions 16 --passes 2 --rounds 1
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import namedtuple
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measuring import machine, take_turns
from subjects import all_configurations

from zonekeras.data.answers import select_answers
from zonekeras.data.batching import make_batches
from zonekeras.data.best_spans import answer_windows
from zonekeras.data.features import build_features
from zonekeras.data.squad import SquadDataset, read_squad, to_squad_json
from zonekeras.defaults import (
    DOC_STRIDE,
    MAX_ANSWER_LENGTH,
    MAX_QUERY_LENGTH,
    MAX_SEQ_LENGTH,
    N_BEST_SIZE,
)
from zonekeras.models.loading import load
from zonekeras.models.zone_model import ZoneModel
from zonekeras.sweeping.precision import sample_items
from zonekeras.sweeping.sweep_run import run_sweep
from zonekeras.tasks import span
from zonekeras.zones import Configuration

GOAL, GOAL_WITH_STARTS = 6.0, 8.0
NEVER = -1e30
_PREDICT_BATCH_SIZE = 32  # of the protocol

Answers = dict[str, dict[str, str]]
RawResult = namedtuple("RawResult", "unique_id start_logits end_logits")


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument("--questions", type=int, default=48)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--max_seq_length", type=int, default=MAX_SEQ_LENGTH)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


class ProtocolWay:
    """A dev set padded to full length, and passes over it.

    Args:
        model: The model.
        dataset: The dev set.
        max_seq_length: To how many tokens every window is padded.
    """

    def __init__(
        self, model: ZoneModel, dataset: SquadDataset, max_seq_length: int
    ) -> None:
        self._model = model
        self._features = build_features(
            dataset, model.tokenizer, max_seq_length=max_seq_length
        )
        self._batches = make_batches(
            self._features.lengths,
            token_budget=_PREDICT_BATCH_SIZE * max_seq_length,
            pad_to=max_seq_length,
        )

    @property
    def num_windows(self) -> int:
        """Windows of the dev set."""
        return self._features.num_windows

    def first_batch(self) -> float:
        """Runs the first batch and returns the seconds it took."""
        batch = self._batches[0]
        start = time.perf_counter()
        self._model.predict_logits(self._features.arrays(batch.windows, batch.length))
        return time.perf_counter() - start

    def answers(self, configurations: Sequence[Configuration]) -> Answers:
        """Answers all questions under some configurations, a pass for each."""
        found = {}
        for configuration in configurations:
            with self._model.masked(configuration):
                spans = answer_windows(
                    self._model.predict_logits, self._features, self._batches
                )
            answers = select_answers(
                self._features.passages, self._features.question_index, spans
            )
            found[str(configuration)] = {item.id: item.text for item in answers}
        return found


def read_sample(arguments: argparse.Namespace) -> SquadDataset:
    """Returns the questions that are run."""
    return sample_items(span, read_squad(arguments.data), arguments.questions)


def run_child(arguments: argparse.Namespace) -> None:
    """What one of the protocol's processes does, as far as its first batch."""
    model = load(arguments.model, prefer_saved_model=False)
    way = ProtocolWay(model, read_sample(arguments), arguments.max_seq_length)
    way.first_batch()
    print(json.dumps(way.first_batch()))


def measure_start() -> float:
    """Returns what a process costs beside its passes, in seconds."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path])),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:], "--child"]
    start = time.perf_counter()
    done = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    )
    elapsed = time.perf_counter() - start
    steady = float(json.loads(done.stdout.splitlines()[-1]))
    return elapsed - 2 * steady


def measure_original_code(
    arguments: argparse.Namespace, dataset: SquadDataset
) -> float:
    """Returns the seconds that the protocol's featurizing and decoding take for a cell.

    Logits are random but for padding, which cannot win.
    """
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from official.nlp.data import squad_lib
        from official.nlp.tools import tokenization
    length = arguments.max_seq_length
    random = np.random.default_rng(0)
    tokenizer = tokenization.FullTokenizer(f"{arguments.model}/vocab.txt", True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.json"
        path.write_text(to_squad_json(dataset), encoding="utf-8")
        start = time.perf_counter()
        examples = squad_lib.read_squad_examples(str(path), False, False)
        windows: list[Any] = []
        squad_lib.convert_examples_to_features(
            examples=examples,
            tokenizer=tokenizer,
            max_seq_length=length,
            doc_stride=DOC_STRIDE,
            max_query_length=MAX_QUERY_LENGTH,
            is_training=False,
            batch_size=1,
            output_fn=lambda window, is_padding=False: windows.append(window),
        )
        featurized = time.perf_counter() - start
        real = np.asarray([window.input_mask for window in windows], bool)
        logits = np.where(real, random.normal(0, 4, (2, *real.shape)), NEVER)
        start = time.perf_counter()
        squad_lib.postprocess_output(
            all_examples=examples,
            all_features=windows,
            all_results=[
                RawResult(window.unique_id, first.tolist(), last.tolist())
                for window, first, last in zip(windows, *logits, strict=True)
            ],
            n_best_size=N_BEST_SIZE,
            max_answer_length=MAX_ANSWER_LENGTH,
            do_lower_case=True,
        )
        return featurized + time.perf_counter() - start


def run_ours(model: ZoneModel, dataset: SquadDataset, max_seq_length: int) -> Answers:
    """Runs our sweep."""
    result = run_sweep(model, dataset, max_seq_length=max_seq_length)
    return {name: dict(texts) for name, texts in result.predictions.items()}


def main() -> None:
    """Runs the benchmark and prints the table."""
    arguments = parse_arguments()
    if arguments.child:
        run_child(arguments)
        return
    model = load(arguments.model, prefer_saved_model=False)
    dataset = read_sample(arguments)
    way = ProtocolWay(model, dataset, arguments.max_seq_length)
    chosen = all_configurations(model.num_layers)
    rows = np.linspace(0, len(chosen) - 1, arguments.passes).round().astype(int)
    passes = [chosen[row] for row in sorted(set(rows.tolist()))]
    contestants: dict[str, Callable[[], Any]] = {
        "protocol": lambda: way.answers(passes),
        "ours": lambda: run_ours(model, dataset, arguments.max_seq_length),
    }
    expected, found = (run() for run in contestants.values())
    pairs = [
        (found[name][key], text)
        for name, texts in expected.items()
        for key, text in texts.items()
    ]
    seconds = take_turns(contestants, arguments.rounds)
    seconds["protocol"] *= len(chosen) / len(passes)
    start = float(np.median([measure_start() for _ in range(arguments.starts)]))
    original = measure_original_code(arguments, dataset)
    print(
        f"{machine()}; {way.num_windows} windows, {len(chosen)} configurations, "
        f"{arguments.rounds} rounds; {len(passes)} of the protocol's passes were run, "
        "their time is scaled to all\n"
        f"answers that differ: {sum(one != other for one, other in pairs)} of "
        f"{len(pairs):,}; a process start costs {start:.1f} s (median of "
        f"{arguments.starts}), the protocol's own featurizing and decoding "
        f"{original:.1f} s for a cell"
    )
    windows = build_features(
        read_squad(arguments.data),
        model.tokenizer,
        max_seq_length=arguments.max_seq_length,
    ).num_windows
    print_table(
        seconds, len(chosen), start, original, windows / way.num_windows, windows
    )


def print_table(
    seconds: dict[str, np.ndarray],
    num_configurations: int,
    start: float,
    original: float,
    scale: float,
    num_windows: int,
) -> None:
    """Prints the times of both ways, without and with what a process adds."""
    protocol, ours = seconds["protocol"], seconds["ours"]
    print(f"{'':<40}{'protocol s':>12}{'ours s':>10}{'x':>7}{'goal':>6}")
    starts = np.array([num_configurations, 1]) * start
    rows = {
        "passes": (protocol[0], ours[0], GOAL),
        "passes, processor time": (protocol[1], ours[1], GOAL),
        f"passes, all {num_windows} windows of the file": (
            protocol[0] * scale,
            ours[0] * scale,
            GOAL,
        ),
        "the same with process starts": (
            protocol[0] * scale + starts[0],
            ours[0] * scale + starts[1],
            GOAL_WITH_STARTS,
        ),
        "and with its own featurizing, decoding": (
            (protocol[0] + num_configurations * original) * scale + starts[0],
            ours[0] * scale + starts[1],
            GOAL_WITH_STARTS,
        ),
    }
    for name, (before, after, goal) in rows.items():
        print(
            f"{name:<40}{np.median(before):>12.1f}{np.median(after):>10.1f}"
            f"{np.median(before / after):>7.2f}{goal:>6.0f}"
        )


if __name__ == "__main__":
    main()

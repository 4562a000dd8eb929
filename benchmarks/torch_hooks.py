"""Our sweep beside what one would write with Hugging Face's PyTorch today, in one run.

On PyTorch: the same weights and windows, scaled dot-product attention, windows sorted
by length, batches of 32 padded to their longest window. A forward pre-hook gives one
layer another 4-D attention mask, padding and zone together; every configuration is a
full pass over all windows, and then Python goes through the 20 best starts and ends of
each window. Ours is `run_sweep` without files: it also tokenizes and scores. Both
run turn about in one process, all cells and the baseline; answers are compared.

With `--precision bfloat16` both also run in bfloat16, and ratios to both of PyTorch's
are given. `--passes N` runs only N of PyTorch's passes, taken evenly over the
configurations, and scales their time to all; a pass takes as long whatever it masks.

    python benchmarks/torch_hooks.py
    python benchmarks/torch_hooks.py --precision bfloat16 --questions 16 --passes 4

Needs the extra `parity` (torch, transformers) beside TensorFlow.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import transformers
from measuring import machine, median_ratios, take_turns
from subjects import all_configurations
from transformers import AutoModelForQuestionAnswering

from zonekeras.data.features import Features, build_features
from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.models.loading import load
from zonekeras.sweeping.precision import sample_items
from zonekeras.sweeping.sweep_run import run_sweep
from zonekeras.tasks import span
from zonekeras.zones import Configuration

BATCH_SIZE = 32
N_BEST_SIZE = 20
MAX_ANSWER_LENGTH = 30
GOALS = {"float32": 2.5, "bfloat16": 5.0}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}

Answers = dict[str, dict[str, str]]


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument("--questions", type=int, default=48)
    parser.add_argument("--passes", type=int, help="of PyTorch's; all if left out")
    parser.add_argument("--precision", choices=DTYPES, default="float32")
    parser.add_argument("--max_seq_length", type=int, default=384)
    parser.add_argument("--threads", type=int, default=2, help="PyTorch's")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


class TorchSweep:
    """The sweep in PyTorch: windows, hooks and the loop that decodes.

    Args:
        model: A `BertForQuestionAnswering`.
        features: The windows.
    """

    def __init__(self, model: Any, features: Features) -> None:
        self._model = model
        self._features = features
        order = np.argsort(features.lengths, kind="stable")
        self._batches = [
            order[first : first + BATCH_SIZE]
            for first in range(0, len(order), BATCH_SIZE)
        ]

    def answers(self, configurations: Sequence[Configuration]) -> Answers:
        """Answers all questions under some configurations."""
        return {str(chosen): self._answer(chosen) for chosen in configurations}

    def _answer(self, configuration: Configuration) -> dict[str, str]:
        """Answers all questions under one configuration, by a full pass."""
        best: dict[str, tuple[float, str]] = {}
        for windows in self._batches:
            length = int(self._features.lengths[windows].max())
            arrays = self._features.arrays(windows, length)
            start, end = self._logits(configuration, arrays)
            first = self._features.start_allowed(windows, length).tolist()
            last = self._features.end_allowed(windows, length).tolist()
            for row, window in enumerate(windows.tolist()):
                size = int(self._features.lengths[window])
                span = best_span(
                    start[row, :size], end[row, :size], first[row], last[row]
                )
                question = int(self._features.question_index[window])
                key = self._features.questions[question].id
                if span is not None and span[0] > best.get(key, (-np.inf, ""))[0]:
                    best[key] = span[0], self._text(window, question, *span[1:])
        return {key: text for key, (_, text) in best.items()}

    def _text(self, window: int, question: int, start: int, end: int) -> str:
        """Cuts an answer out of its passage."""
        ((first, stop),) = self._features.character_spans([window], [start], [end])
        passage = self._features.passages[self._features.passage_index[question]]
        return passage.text[first:stop]

    def _logits(
        self, configuration: Configuration, arrays: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Runs a batch with a hook in the layer that is masked."""
        roles = torch.from_numpy(arrays["roles"]).long()
        layers = self._model.bert.encoder.layer
        hook = None
        if configuration.cell is not None:
            layer, _ = configuration.cell
            table = configuration.tables(len(layers), 1)[layer, 0]
            # [B, 1, T, T], true where a token may attend.
            mask = torch.from_numpy(table).bool()[roles[:, :, None], roles[:, None]]
            hook = layers[layer].register_forward_pre_hook(
                partial(replace_mask, mask[:, None]), with_kwargs=True
            )
        try:
            with torch.inference_mode():
                output = self._model(
                    input_ids=torch.from_numpy(arrays["token_ids"]),
                    token_type_ids=torch.from_numpy(arrays["segment_ids"]),
                    attention_mask=(roles != 0).long(),
                )
        finally:
            if hook is not None:
                hook.remove()
        start, end = output.start_logits.float(), output.end_logits.float()
        return start.numpy(), end.numpy()


def replace_mask(
    mask: torch.Tensor, module: Any, arguments: tuple[Any, ...], keywords: dict
) -> tuple[tuple[Any, ...], dict]:
    """Gives a layer another attention mask."""
    if len(arguments) > 1:
        return (arguments[0], mask, *arguments[2:]), keywords
    return arguments, keywords | {"attention_mask": mask}


def best_span(
    start: np.ndarray, end: np.ndarray, first: list[bool], last: list[bool]
) -> tuple[float, int, int] | None:
    """Returns the best span of a window, score, start and end, by a loop over pairs."""
    starts = np.argsort(-start, kind="stable")[:N_BEST_SIZE].tolist()
    ends = np.argsort(-end, kind="stable")[:N_BEST_SIZE].tolist()
    candidates = []
    for i in starts:
        for j in ends:
            if not (first[i] and last[j]):
                continue
            if j < i or j - i + 1 > MAX_ANSWER_LENGTH:
                continue
            candidates.append((float(start[i]) + float(end[j]), i, j))
    return max(candidates, key=lambda span: span[0], default=None)


def make_contestants(
    arguments: argparse.Namespace,
    dataset: SquadDataset,
    passes: Sequence[Configuration],
) -> dict[str, Callable[[], Answers]]:
    """Returns what runs, by name: PyTorch and ours in every number format."""
    contestants: dict[str, Callable[[], Answers]] = {}
    formats = list(dict.fromkeys(["float32", arguments.precision]))
    for name in formats:
        ours = load(arguments.model, dtype=POLICIES[name], prefer_saved_model=False)
        features = build_features(
            dataset, ours.tokenizer, max_seq_length=arguments.max_seq_length
        )
        theirs = AutoModelForQuestionAnswering.from_pretrained(
            arguments.model, dtype=DTYPES[name], attn_implementation="sdpa"
        ).eval()
        sweep = TorchSweep(theirs, features)
        contestants[f"PyTorch {name}"] = partial(sweep.answers, passes)
        contestants[f"zonekeras {name}"] = partial(
            run_answers, ours, dataset, arguments.max_seq_length
        )
    return contestants


def run_answers(model: Any, dataset: SquadDataset, max_seq_length: int) -> Answers:
    """Runs our sweep, nothing left out, and returns its answers."""
    result = run_sweep(model, dataset, max_seq_length=max_seq_length)
    return {name: dict(texts) for name, texts in result.predictions.items()}


def count_different(found: Answers, expected: Answers) -> str:
    """Says how many answers differ where both have one."""
    pairs = [
        (found[name][key], text)
        for name, texts in expected.items()
        for key, text in texts.items()
        if name in found
    ]
    return f"{sum(one != other for one, other in pairs)} of {len(pairs):,}"


def main() -> None:
    """Runs the benchmark and prints the table."""
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(arguments.threads)
    dataset = sample_items(span, read_squad(arguments.data), arguments.questions)
    num_layers = load(arguments.model, prefer_saved_model=False).num_layers
    chosen = all_configurations(num_layers)
    rows = np.linspace(0, len(chosen) - 1, arguments.passes or len(chosen)).round()
    passes = [chosen[row] for row in sorted(set(rows.astype(int).tolist()))]
    contestants = make_contestants(arguments, dataset, passes)
    answers = {name: run() for name, run in contestants.items()}
    seconds = take_turns(contestants, arguments.rounds)
    scale = len(chosen) / len(passes)
    for name, times in seconds.items():
        times *= scale if name.startswith("PyTorch") else 1.0
    print(
        f"{machine()}, torch {torch.__version__} ({arguments.threads} threads), "
        f"transformers {transformers.__version__}\n"
        f"{dataset.num_questions} questions, {len(chosen)} configurations, "
        f"{arguments.rounds} rounds; PyTorch ran {len(passes)} passes"
        + (f", times scaled by {scale:.2f}" if scale > 1 else "")
    )
    print_table(seconds, answers, arguments.precision)


def print_table(
    seconds: dict[str, np.ndarray], answers: dict[str, Answers], precision: str
) -> None:
    """Prints medians, how many times faster than each of PyTorch's, and the check."""
    theirs = [name for name in seconds if name.startswith("PyTorch")]
    heads = "".join(f"{'x ' + name:>19}{'by CPU':>8}" for name in theirs)
    print(f"{'':<20}{'s':>8}{'CPU s':>8}{heads}  answers unlike PyTorch float32")
    for name, times in seconds.items():
        wall, processor = np.median(times, axis=1)
        ratios = "".join(
            f"{ratio[0]:>19.2f}{ratio[1]:>8.2f}"
            for ratio in (median_ratios(seconds[other], times) for other in theirs)
        )
        different = count_different(answers[name], answers["PyTorch float32"])
        print(f"{name:<20}{wall:>8.2f}{processor:>8.2f}{ratios}  {different}")
    print(f"goal beside PyTorch float32: {GOALS[precision]} x in {precision}")


if __name__ == "__main__":
    main()

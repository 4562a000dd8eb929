"""Where a sweep's time goes: the model, decoding, the store, answers, scores, files.

One `run_sweep` with an output directory, all cells and the baseline, after one of a few
questions that compiles the graphs. Attention is recorded as `zonekeras sweep` does it:
the masses of every window, the weights of some questions. What that takes is summed up
in a line of its own, and not counted as decoding, scoring and storing.

Decoding runs in a thread beside the model, so its own processor time is set against the
whole process' ("CPU share"); on a machine with an idle core it hardly shows in the wall
time. Figures take the same time whatever the size of the dev set, so they stand apart
from what grows with it.

    python benchmarks/sweep_parts.py
    python benchmarks/sweep_parts.py --questions 8
    python benchmarks/sweep_parts.py --attention_questions 0
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings

import numpy as np
from measuring import PROCESSOR, WALL, machine, timed_methods

from zonekeras import plotting
from zonekeras.analysis import output
from zonekeras.data.squad import read_squad
from zonekeras.defaults import ATTENTION_QUESTIONS
from zonekeras.models.loading import load
from zonekeras.models.network import KerasNetwork
from zonekeras.store.sweep_store import SweepStore
from zonekeras.sweeping import run_sweep
from zonekeras.sweeping.attention_recorder import AttentionRecorder
from zonekeras.sweeping.batch_runner import BatchRunner
from zonekeras.sweeping.precision import sample_items
from zonekeras.tasks import span

GOAL = 0.10
PARTS = {
    "model": (BatchRunner, "logits"),
    "  of it recording attention": (KerasNetwork, "layer_attention"),
    "packing attention": (AttentionRecorder, "take"),
    "decoding": (BatchRunner, "decode"),
    "store: a batch": (SweepStore, "put_chunks"),
    "  of it attention": (SweepStore, "_put_attention"),
    "answers, scores and their files": (output.SweepOutput, "finish"),
    "  of it choosing answers": (span, "answers"),
    "  of it the store": (SweepStore, "put"),
    "  of it scoring": (output, "build_result"),
    "  of it figures": (plotting, "save_figure"),
    "    and drawing the heatmap": (plotting, "heatmap"),
    "    and drawing the masses": (plotting, "mass_effect_plot"),
}
COUNTED = ("decoding", "store: a batch", "answers, scores and their files")
STORED_ATTENTION = "  of it attention"
ATTENTION = ("  of it recording attention", "packing attention", STORED_ATTENTION)
THREADED = ("model", "  of it recording attention")
FIGURES = (
    "  of it figures",
    "    and drawing the heatmap",
    "    and drawing the masses",
)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument("--questions", type=int, help="all if left out")
    parser.add_argument("--max_seq_length", type=int, default=384)
    parser.add_argument("--attention_questions", type=int, default=ATTENTION_QUESTIONS)
    return parser.parse_args()


def main() -> None:
    """Runs the sweep and prints the table."""
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    model = load(arguments.model, prefer_saved_model=False)
    dataset = read_squad(arguments.data)
    sample = sample_items(span, dataset, arguments.questions or dataset.num_questions)
    settings = {
        "max_seq_length": arguments.max_seq_length,
        "attention_questions": arguments.attention_questions,
    }
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(model, sample_items(span, dataset, 2), f"{folder}/first", **settings)
        with timed_methods(PARTS) as seconds:
            start = time.perf_counter(), time.process_time()
            table = run_sweep(model, sample, f"{folder}/timed", **settings).table
            stop = time.perf_counter(), time.process_time()
    whole = np.subtract(stop, start)
    print(
        f"{machine()}; {model.num_layers} layers, {sample.num_questions} questions, "
        f"{len(table)} configurations"
    )
    print(f"{'':<34}{'s':>9}{'share':>8}{'own CPU s':>11}{'CPU share':>11}")
    for name, times in {"run_sweep": whole, **seconds}.items():
        share = times / whole
        # The model's threads are not the calling one, so its own says nothing.
        own = "" if name in THREADED else f"{times[PROCESSOR]:>11.2f}"
        own_share = "" if name in THREADED else f"{share[PROCESSOR]:>11.3f}"
        print(f"{name:<34}{times[WALL]:>9.2f}{share[WALL]:>8.3f}{own}{own_share}")
    attention = sum(seconds[name] for name in ATTENTION) / whole
    print(
        f"recording, packing and storing attention: {attention[WALL]:.3f} of the time "
        f"({arguments.attention_questions} questions' weights)"
    )
    counted = sum(seconds[name] for name in COUNTED) / whole
    counted -= seconds[STORED_ATTENTION] / whole
    growing = counted - sum(seconds[name] for name in FIGURES) / whole
    print(
        f"decoding, scoring and storing: {counted[WALL]:.3f} of the time, "
        f"{counted[PROCESSOR]:.3f} of the CPU time; without figures "
        f"{growing[WALL]:.3f} and {growing[PROCESSOR]:.3f}; goal: at most {GOAL}"
    )


if __name__ == "__main__":
    main()

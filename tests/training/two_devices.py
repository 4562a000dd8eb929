"""Training on one device and on two logical ones; a process of its own.

    python -m tests.training.two_devices WORK

WORK has `train.json` and `dev.json`. `steps.npz` will have losses, norms and weights of
the same steps run in several ways, and how often something was traced; `runs.json` the
losses and scores of whole runs. Logical devices have to be set before TensorFlow
starts, hence the process.
"""

import json
import signal
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.builders import tiny_model
from tests.training.test_step import make_step, rows_of, tiny_part, tiny_reader
from zonekeras.distribute.options import StrategyName, StrategyOptions
from zonekeras.distribute.replicas import Replicas
from zonekeras.distribute.strategies import make_strategy
from zonekeras.training import finetune

SETTINGS = {
    "max_seq_length": 29,
    "doc_stride": 7,
    "train_batch_size": 5,
    "gradient_accumulation_steps": 1,
    "learning_rate": 1e-3,
    "num_train_epochs": 1,
    "dropout": 0.3,
    "seed": 3,
}
# A step has 6 windows and one or two parts; two replicas have to fill the last up.
WHOLE, FIRST, SECOND = tiny_part(7, 11), tiny_part(6, 11), tiny_part(5, 7, seed=1)


def run_steps(strategy, num_parts, part_shape=None):
    """Returns what three steps came to, as arrays by name."""
    replicas = Replicas(strategy)
    with replicas.scope():
        reader = tiny_reader(dropout=0.3)
        step, optimizer = make_step(
            reader, num_parts, replicas=replicas, part_shape=part_shape
        )
    outcomes = []
    for number in range(3):
        last = rows_of(SECOND, slice(5 - 2 * number))
        parts = [WHOLE] if num_parts == 1 else [FIRST, last]
        outcomes.append(step.run(number, parts, 1e-3, stop=number == 1))
    found = {
        "losses": [outcome.loss for outcome in outcomes],
        "norms": [outcome.gradient_norm for outcome in outcomes],
        "stops": [outcome.stop for outcome in outcomes],
        "traces": step.num_traces,
    }
    return found | optimizer.state()


def run(work, out, strategy=None, stop_at=None, **more):
    """Returns a run's history as lists; it may be stopped on the way."""

    def press(progress):
        if progress.step == stop_at:
            signal.raise_signal(signal.SIGINT)

    settings = SETTINGS | more
    data = work / "train.json", work / "dev.json", work / out
    try:
        result = finetune(
            tiny_model(), *data, strategy=strategy, on_progress=press, **settings
        )
    except KeyboardInterrupt:
        return None
    return {
        "losses": [row.loss for row in result.history],
        "f1": result.answers.f1,
        "texts": result.answers.texts,
    }


def main(work):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    mirrored = make_strategy(StrategyOptions(StrategyName.MIRRORED))
    steps = {
        "one": run_steps(None, 1),
        "mirrored": run_steps(mirrored, 1),
        "one in parts": run_steps(None, 2),
        "mirrored in parts": run_steps(mirrored, 2),
        "mirrored, one shape": run_steps(mirrored, 1, (9, 11)),
    }
    found = {f"{way}/{name}": v for way in steps for name, v in steps[way].items()}
    np.savez(work / "steps.npz", **found)
    runs = {
        "one": run(work, "one"),
        "stopped": run(work, "moved", mirrored, stop_at=2),
        "went on": run(work, "moved"),
        "mirrored": run(work, "mirrored", mirrored),
    }
    (work / "runs.json").write_text(json.dumps(runs))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

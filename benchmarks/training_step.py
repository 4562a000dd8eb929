"""Our training step beside Hugging Face's on PyTorch: same weights, batches, threads.

The batches are the first of a training run on real windows, bucketed by length and
padded as ours are. Both sides run forward, backward, clipping and AdamW, turn about,
each in a process of its own. Printed are the sums over the steps of wall time and of
processor time, and the medians of the steps' ratios. With `--dropout 0` both compute
the same, and the largest difference of their losses is printed too. Then our loop
trains on the same windows, and how long its steps waited for their input is set against
how long they took; the first step, which traces, is left out.

    python benchmarks/training_step.py --model ../shared/models/minilm-qa
    python benchmarks/training_step.py --torch_python OTHER_VENV/bin/python

PyTorch and transformers (extra `parity`) may be in another environment, whose Python
`--torch_python` names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zonekeras.data.features import Features
    from zonekeras.data.squad import SquadDataset
    from zonekeras.models.zone_model import ZoneModel

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
LEARNING_RATE = 3e-5
WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 2

Batch = dict[str, np.ndarray]
Step = Callable[[Batch], float]


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--max_seq_length", type=int, default=384)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--loop_steps", type=int, default=50)
    parser.add_argument("--loop_batch", type=int, default=8)
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS))
    parser.add_argument("--torch_python", default=sys.executable)
    parser.add_argument("--worker", choices=("ours", "torch"), help=argparse.SUPPRESS)
    parser.add_argument("--batch_folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def load_all(arguments: argparse.Namespace) -> tuple[ZoneModel, SquadDataset, Features]:
    """Returns the model, the data and its windows."""
    from zonekeras.data.features import build_features
    from zonekeras.data.squad import read_squad
    from zonekeras.models.loading import load

    model = load(arguments.model, prefer_saved_model=False)
    dataset = read_squad(arguments.data)
    features = build_features(
        dataset, model.tokenizer, max_seq_length=arguments.max_seq_length
    )
    return model, dataset, features


def write_batches(arguments: argparse.Namespace, folder: Path) -> None:
    """Writes the first batches of a training run, a file for each step."""
    from zonekeras.training.batches import TrainingBatches

    _, _, features = load_all(arguments)
    targets = features.training_targets()
    batches = TrainingBatches(
        features.lengths,
        batch_size=arguments.batch,
        num_epochs=1,
        seed=0,
        max_length=arguments.max_seq_length,
    )
    for step in range(arguments.steps):
        (batch,) = batches.step(step)
        arrays = features.arrays(batch.windows, batch.length)
        np.savez(folder / f"{step}.npz", targets=targets[batch.windows], **arrays)


def our_step(arguments: argparse.Namespace, precision: str) -> Step:
    """Returns a step of ours."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    from dataclasses import replace

    from zonekeras.models.loading import load
    from zonekeras.models.weights import build_reader, reader_variables, reader_weights
    from zonekeras.training.losses import span_loss
    from zonekeras.training.optimizer import AdamW
    from zonekeras.training.step import TrainingStep
    from zonekeras.training.training_settings import TrainingSettings

    model = load(arguments.model, prefer_saved_model=False)
    rate = arguments.dropout
    config = replace(model.description.encoder, dropout=rate, attention_dropout=rate)
    dtype = PRECISIONS[precision]
    reader = build_reader(config, reader_weights(model.network.reader), dtype=dtype)
    settings = TrainingSettings(weight_decay=WEIGHT_DECAY, precision=dtype)
    optimizer = AdamW(reader_variables(reader), settings)
    step = TrainingStep(
        reader,
        optimizer,
        loss=span_loss,
        target_shape=(2,),
        padding_id=model.tokenizer.pad_id,
        seed=0,
    )
    number = iter(range(10**9))
    return lambda batch: step.run(next(number), [batch], LEARNING_RATE).loss


def torch_step(arguments: argparse.Namespace, precision: str) -> Step:
    """Returns a step of Hugging Face's reader."""
    import torch
    import transformers

    torch.set_num_threads(arguments.threads)
    model = transformers.BertForQuestionAnswering.from_pretrained(
        arguments.model,
        dtype=torch.float32,  # not the checkpoint's, which may be half precision
        hidden_dropout_prob=arguments.dropout,
        attention_probs_dropout_prob=arguments.dropout,
    ).train()
    plain, decayed = [], []
    for name, weight in model.named_parameters():
        (plain if name.endswith("bias") or "Norm" in name else decayed).append(weight)
    groups = [
        {"params": decayed, "weight_decay": WEIGHT_DECAY},
        {"params": plain, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE)

    def step(batch: dict[str, np.ndarray]) -> float:
        tensors = {name: torch.tensor(value).long() for name, value in batch.items()}
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = model(
                input_ids=tensors["token_ids"],
                token_type_ids=tensors["segment_ids"],
                attention_mask=(tensors["roles"] > 0).long(),
                start_positions=tensors["targets"][:, 0],
                end_positions=tensors["targets"][:, 1],
            ).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return float(loss)

    return step


def work(arguments: argparse.Namespace) -> None:
    """Runs the step that each line on standard input names, and prints what it took."""
    make = our_step if arguments.worker == "ours" else torch_step
    run = make(arguments, arguments.precisions[0])
    for line in sys.stdin:
        with np.load(arguments.batch_folder / f"{int(line)}.npz") as file:
            batch = {name: file[name] for name in file.files}
        wall, processor = time.perf_counter(), time.process_time()
        loss = run(batch)
        seconds = time.perf_counter() - wall, time.process_time() - processor
        print(json.dumps([*seconds, loss]), flush=True)


class Worker:
    """A process that runs steps when it is told to."""

    def __init__(
        self, arguments: argparse.Namespace, kind: str, precision: str, folder: Path
    ) -> None:
        python = arguments.torch_python if kind == "torch" else sys.executable
        names = ("model", "threads", "dropout")
        flags = [f"--{name}={getattr(arguments, name)}" for name in names]
        self._errors = open(folder / f"{kind}.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [python, __file__, f"--worker={kind}", f"--batch_folder={folder}", *flags]
            + ["--precisions", precision],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # Threads that wait must not spin while the other side is measured.
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"},
        )

    def step(self, number: int) -> tuple[float, float, float]:
        """Runs a step; returns its wall time, its processor time and the loss."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(f"{number}\n")
            self.process.stdin.flush()
            wall, processor, loss = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            self.process.wait()
            self._errors.seek(0)
            sys.exit(f"a worker failed:\n{self._errors.read()}")
        return wall, processor, loss

    def close(self) -> None:
        """Ends the process."""
        self.process.communicate()
        self._errors.close()


def compare(arguments: argparse.Namespace, precision: str, folder: Path) -> None:
    """Prints a line of the table."""
    workers = [Worker(arguments, kind, precision, folder) for kind in ("ours", "torch")]
    warm_up = [[worker.step(0) for worker in workers] for _ in range(WARM_UP_STEPS)]
    rows = [
        [worker.step(number) for worker in workers] for number in range(arguments.steps)
    ]
    for worker in workers:
        worker.close()
    measured = np.array(rows)  # [steps, workers, wall, processor or loss]
    ours, torch = measured[..., :2].sum(axis=0)
    wall, processor = np.median(measured[:, 0, :2] / measured[:, 1, :2], axis=0)
    losses = np.array(warm_up + rows)[..., 2]
    difference = np.abs(losses[:, 0] - losses[:, 1]).max()
    print(
        f"{precision:>9}  {ours[0]:6.2f}  {torch[0]:7.2f}  {wall:5.2f}   "
        f"{ours[1]:11.2f}  {torch[1]:11.2f}  {processor:5.2f}"
        + (f"   losses differ by {difference:.1e}" if arguments.dropout == 0 else ""),
        flush=True,
    )


def time_input(arguments: argparse.Namespace) -> None:
    """Trains on real windows and prints how long steps waited for their input."""
    from zonekeras.training.loop import TrainingLoop
    from zonekeras.training.settling import settle
    from zonekeras.training.training_settings import TrainingSettings
    from zonekeras.training.training_task import training_of

    model, dataset, features = load_all(arguments)
    share = arguments.loop_steps * arguments.loop_batch / features.num_windows
    settings = TrainingSettings.of(
        {
            "max_seq_length": arguments.max_seq_length,
            "train_batch_size": arguments.loop_batch,
            "num_train_epochs": share,
        }
    )
    settings = settle(settings, dataset)
    moments: list[tuple[float, float]] = []
    loop = TrainingLoop(
        training_of(model.task),
        model,
        model.network.reader,
        features,
        settings,
        # What the step that ends waited is added after it is reported.
        on_progress=lambda progress: moments.append(
            (time.perf_counter(), loop.seconds_waited)
        ),
    )
    loop.run()
    seconds = time.perf_counter() - moments[0][0]
    waited = loop.seconds_waited - moments[1][1]
    steps = loop.num_steps - 1
    print(
        f"input: {steps} steps of {arguments.loop_batch} real windows took "
        f"{seconds:.1f} s, of which they waited {1000 * waited:.1f} ms for input: "
        f"{1000 * waited / steps:.2f} ms a step ({waited / seconds:.2%})"
    )


def main() -> None:
    """Runs the benchmark and prints the table."""
    arguments = parse_arguments()
    if arguments.worker:
        work(arguments)
        return
    print(f"{platform.platform()}, {os.cpu_count()} cores, {arguments.threads} threads")
    print(
        f"{arguments.steps} steps of {arguments.batch} windows of up to "
        f"{arguments.max_seq_length} tokens, dropout {arguments.dropout}"
    )
    print("           wall s   torch s  ratio   processor s      torch s  ratio")
    with tempfile.TemporaryDirectory() as folder:
        write_batches(arguments, Path(folder))
        for precision in arguments.precisions:
            compare(arguments, precision, Path(folder))
    if arguments.loop_steps:
        time_input(arguments)


if __name__ == "__main__":
    main()

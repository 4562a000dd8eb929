"""Our training step beside Hugging Face's on PyTorch: same weights, batches, threads.

Both run forward, backward, clipping and AdamW with dropout, interleaved step by step in
one run, each in a process of its own. Printed are medians over the steps, of wall time
and of processor time (which a busy machine does not change), and of their ratios. Then
our loop trains on real windows, and how long it waited for its input is set against how
long it ran.

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

import numpy as np

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
LEARNING_RATE = 3e-5
WEIGHT_DECAY = 0.01

Step = Callable[[dict[str, np.ndarray]], float]


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--loop_steps", type=int, default=5)
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS))
    parser.add_argument("--torch_python", default=sys.executable)
    parser.add_argument("--worker", choices=("ours", "torch"), help=argparse.SUPPRESS)
    parser.add_argument("--batch_file", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_batch(arguments: argparse.Namespace) -> dict[str, np.ndarray]:
    """Returns a batch of random tokens without padding."""
    generator = np.random.default_rng(0)
    shape = (arguments.batch, arguments.length)
    starts = generator.integers(20, arguments.length - 5, arguments.batch)
    roles = np.full(shape, 4)
    roles[:, 0], roles[:, 1:12], roles[:, 12], roles[:, -1] = 1, 3, 2, 2
    batch = {
        "token_ids": generator.integers(1000, 30000, shape),
        "segment_ids": np.broadcast_to(np.arange(arguments.length) > 12, shape),
        "roles": roles,
        "targets": np.stack([starts, starts + 3], axis=1),
    }
    return {name: value.astype(np.int32) for name, value in batch.items()}


def our_step(arguments: argparse.Namespace, precision: str) -> Step:
    """Returns a step of ours."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    from dataclasses import replace

    from zonekeras.models.loading import load
    from zonekeras.models.weights import build_reader, reader_variables, reader_weights
    from zonekeras.training.optimizer import AdamW
    from zonekeras.training.settings import TrainingSettings
    from zonekeras.training.step import TrainingStep

    model = load(arguments.model, prefer_saved_model=False)
    rate = arguments.dropout
    config = replace(model.description.encoder, dropout=rate, attention_dropout=rate)
    dtype = PRECISIONS[precision]
    reader = build_reader(config, reader_weights(model.network.reader), dtype=dtype)
    settings = TrainingSettings(weight_decay=WEIGHT_DECAY, precision=dtype)
    optimizer = AdamW(reader_variables(reader), settings)
    step = TrainingStep(reader, optimizer, padding_id=model.tokenizer.pad_id, seed=0)
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
    """Runs a step for every line on standard input and prints what it took."""
    make = our_step if arguments.worker == "ours" else torch_step
    step = make(arguments, arguments.precisions[0])
    with np.load(arguments.batch_file) as file:
        batch = {name: file[name] for name in file.files}
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        loss = step(batch)
        seconds = time.perf_counter() - wall, time.process_time() - processor
        print(json.dumps([*seconds, loss]), flush=True)


class Worker:
    """A process that runs steps when it is told to."""

    def __init__(
        self, arguments: argparse.Namespace, kind: str, precision: str, batch_file: Path
    ) -> None:
        python = arguments.torch_python if kind == "torch" else sys.executable
        names = ("model", "threads", "dropout")
        flags = [f"--{name}={getattr(arguments, name)}" for name in names]
        self.process = subprocess.Popen(
            [python, __file__, f"--worker={kind}", f"--batch_file={batch_file}", *flags]
            + ["--precisions", precision],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # Threads that wait must not spin while the other side is measured.
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"},
        )

    def step(self) -> tuple[float, float, float]:
        """Runs a step; returns its wall time, its processor time and the loss."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        wall, processor, loss = json.loads(self.process.stdout.readline())
        return wall, processor, loss

    def close(self) -> None:
        """Ends the process."""
        self.process.communicate()


def compare(arguments: argparse.Namespace, precision: str, batch_file: Path) -> None:
    """Prints a line of the table."""
    workers = [
        Worker(arguments, kind, precision, batch_file) for kind in ("ours", "torch")
    ]
    for worker in workers * 2:  # warm-up
        worker.step()
    rows = [[worker.step() for worker in workers] for _ in range(arguments.rounds)]
    for worker in workers:
        worker.close()
    seconds = np.array(rows)[..., :2]  # [rounds, workers, wall or processor]
    ours, torch = np.median(seconds, axis=0)
    wall, processor = np.median(seconds[:, 0] / seconds[:, 1], axis=0)
    print(
        f"{precision:>9}  {ours[0]:6.3f}  {torch[0]:7.3f}  {wall:5.2f}   "
        f"{ours[1]:11.3f}  {torch[1]:11.3f}  {processor:5.2f}",
        flush=True,
    )


def time_input(arguments: argparse.Namespace) -> None:
    """Trains on real windows and prints how long steps waited for their input."""
    from zonekeras.data.features import build_features
    from zonekeras.data.squad import read_squad
    from zonekeras.models.loading import load
    from zonekeras.training.loop import TrainingLoop
    from zonekeras.training.settings import TrainingSettings

    model = load(arguments.model, prefer_saved_model=False)
    dataset = read_squad(arguments.data)
    features = build_features(dataset, model.tokenizer, max_seq_length=384)
    share = arguments.loop_steps * arguments.batch / features.num_windows
    settings = TrainingSettings.of(
        {
            "max_seq_length": 384,
            "train_batch_size": arguments.batch,
            "num_train_epochs": share,
        }
    ).for_data(dataset)
    loop = TrainingLoop(model, model.network.reader, features, settings)
    start = time.perf_counter()
    loop.run()
    seconds = time.perf_counter() - start
    print(
        f"input: {loop.num_steps} steps of {arguments.batch} real windows took "
        f"{seconds:.1f} s, of which {1000 * loop.seconds_waited:.1f} ms were waiting "
        f"for input ({loop.seconds_waited / seconds:.2%})"
    )


def main() -> None:
    """Runs the benchmark and prints the table."""
    arguments = parse_arguments()
    if arguments.worker:
        work(arguments)
        return
    print(f"{platform.platform()}, {os.cpu_count()} cores, {arguments.threads} threads")
    print(
        f"batch {arguments.batch} x {arguments.length}, dropout {arguments.dropout}, "
        f"medians of {arguments.rounds} steps"
    )
    print("           wall s   torch s  ratio   processor s      torch s  ratio")
    with tempfile.TemporaryDirectory() as folder:
        batch_file = Path(folder) / "batch.npz"
        np.savez(batch_file, **make_batch(arguments))
        for precision in arguments.precisions:
            compare(arguments, precision, batch_file)
    if arguments.loop_steps:
        time_input(arguments)


if __name__ == "__main__":
    main()

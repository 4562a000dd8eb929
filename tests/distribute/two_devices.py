"""Runs a reader over two logical CPU devices; a process of its own.

    python -m tests.distribute.two_devices WORK

WORK has a model directory `model` with its SavedModel, a Hugging Face directory `hf`,
`dev.json`, and `in-B.npz` for batches of B examples: the int32 inputs [B, T] and
`zone_tables` [C, L, n, R, R], one set for each configuration. Of each there will be an
`out-B.npz` with the logits [C, B, T, 2] by three routes, how often something was
traced, and more; `predictions.json` has the answers of both models under all cells of
one layer. Logical devices have to be set before TensorFlow starts, hence the process.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.distribute.sweep_settings import SWEEP
from zonekeras.distribute.options import StrategyName, StrategyOptions
from zonekeras.distribute.replicated_model import load_replicated
from zonekeras.distribute.strategies import make_strategy
from zonekeras.models.loading import load
from zonekeras.models.network import INPUT_NAMES
from zonekeras.sweeping import engine, run_sweep
from zonekeras.sweeping.evaluations import plan_evaluations


def main(work):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = make_strategy(StrategyOptions(StrategyName.MIRRORED))
    predictions = {}
    for name in ("model", "hf"):
        model = load_replicated(lambda name=name: load(work / name), strategy)
        predictions[name] = run_sweep(model, work / "dev.json", **SWEEP).predictions
        if name == "model":
            for source in sorted(work.glob("in-*.npz")):
                target = source.with_name(source.name.replace("in-", "out-"))
                run(model.network, strategy, np.load(source), target)
    (work / "predictions.json").write_text(json.dumps(predictions))


def run(network, strategy, data, target):
    inputs = {name: data[name] for name in INPUT_NAMES}
    tables = data["zone_tables"]
    traces_before = network.num_traces
    flipped = []
    for one in tables:
        network.assign(one)
        flipped.append(network.logits(inputs))
    flip_traces = network.num_traces - traces_before
    batch = len(inputs["roles"])
    given = [
        network.logits(inputs, np.broadcast_to(one, (batch, *one.shape)))
        for one in tables
    ]
    plan = plan_evaluations(tables)
    engine.logits(network, plan, inputs)
    traces = network.num_traces
    by_prefix = engine.logits(network, plan, inputs)
    traces_of_a_second_batch = network.num_traces - traces
    hidden = network.embed(inputs)
    attention = network.layer_attention(0, hidden, inputs["roles"], tables[0][:1])
    np.savez(
        target,
        flipped=np.stack(flipped),
        given=np.stack(given),
        by_prefix=by_prefix,
        flip_traces=flip_traces,
        traces_of_a_second_batch=traces_of_a_second_batch,
        replicas=len(
            strategy.experimental_local_results(network.module.zone_tables[0])
        ),
        fingerprint=network.fingerprint(),
        graph_fingerprint=network.graph_fingerprint,
        num_heads=network.num_heads,
        **attention,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

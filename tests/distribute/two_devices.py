"""Runs a SavedModel of ours over two logical CPU devices; a process of its own.

    python -m tests.distribute.two_devices SAVED_MODEL IN.npz OUT.npz

IN has the int32 inputs [B, T] and `zone_tables` [C, L, n, R, R], one set for each
configuration. OUT has the logits [C, B, T, 2] by three routes, how often something was
traced, and more. Logical devices have to be set before TensorFlow starts, hence the
process.
"""

import sys

import numpy as np
import tensorflow as tf

from zonekeras.distribute.replicated_network import ReplicatedNetwork
from zonekeras.models.network import INPUT_NAMES
from zonekeras.models.saved_model import load_module
from zonekeras.sweeping import engine
from zonekeras.sweeping.evaluations import plan_evaluations


def main(saved_model, source, target):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        module = load_module(saved_model)
    network = ReplicatedNetwork(module, strategy)
    data = np.load(source)
    inputs = {name: data[name] for name in INPUT_NAMES}
    tables = data["zone_tables"]
    flipped = []
    for one in tables:
        network.assign(one)
        flipped.append(network.logits(inputs))
    flip_traces = network.num_traces
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
        num_heads=network.num_heads,
        **attention,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

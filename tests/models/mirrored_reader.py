"""Runs a SavedModel of ours over two logical CPU devices; a process of its own.

    python -m tests.models.mirrored_reader SAVED_MODEL IN.npz OUT.npz

IN has the int32 inputs [B, T] and `zone_tables` [C, L, n, R, R], one set for each
configuration. OUT has `logits` [C, B, T, 2], and how often the step was traced. Logical
devices have to be set before TensorFlow starts, hence the process.
"""

import sys

import numpy as np
import tensorflow as tf

from zonekeras.models.network import INPUT_NAMES
from zonekeras.models.saved_model import load_module

NUM_REPLICAS = 2


def main(saved_model, source, target):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * NUM_REPLICAS
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        module = load_module(saved_model)
    traces = []

    @tf.function
    def step(inputs):
        traces.append(1)
        # Not module.logits itself: strategy.run would hand it all replicas' values.
        return strategy.run(lambda *arguments: module.logits(*arguments), args=inputs)

    data = np.load(source)
    parts = {name: np.array_split(data[name], NUM_REPLICAS) for name in INPUT_NAMES}

    def distribute(name):
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[name][context.replica_id_in_sync_group])
        )

    inputs = tuple(distribute(name) for name in INPUT_NAMES)
    logits = []
    for tables in data["zone_tables"]:
        for variable, table in zip(module.zone_tables, tables, strict=True):
            variable.assign(table)  # from outside: all replicas at once
        outputs = step(inputs)
        logits.append(
            np.stack(
                [
                    np.concatenate(
                        [
                            part.numpy()
                            for part in strategy.experimental_local_results(
                                outputs[f"{side}_logits"]
                            )
                        ]
                    )
                    for side in ("start", "end")
                ],
                axis=-1,
            )
        )
    np.savez(
        target,
        logits=np.stack(logits),
        traces=len(traces),
        replicas=len(strategy.experimental_local_results(module.zone_tables[0])),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

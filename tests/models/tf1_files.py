"""Writes real TensorFlow 1 checkpoints with the variable names of BERT's own code."""

import json
import re

import numpy as np
import tensorflow as tf


def tf1_variables(tensors):
    """Returns BERT's TF1 variables of a Hugging Face BERT's tensors.

    By rules on the names alone: slashes for dots, `layer_0`, kernels as
    [inputs, outputs], `gamma` and `beta`, embedding tables without an ending.
    """
    variables = {}
    for name, value in tensors.items():
        if name.startswith("qa_outputs."):
            name = name.replace("qa_outputs.", "cls.squad.output_")
            name = name.replace("output_weight", "output_weights")
        elif "LayerNorm" in name:
            name = name.replace(".weight", ".gamma").replace(".bias", ".beta")
        elif "_embeddings.weight" in name:
            name = name.removesuffix(".weight")
        elif name.endswith(".weight"):
            name, value = name.removesuffix("weight") + "kernel", value.T
        name = re.sub(r"layer\.(\d+)", r"layer_\1", name)
        variables[name.replace(".", "/")] = np.ascontiguousarray(value)
    return variables


def write_tf1_checkpoint(prefix, variables):
    """Writes `prefix.index` and `prefix.data-00000-of-00001`; no graph."""
    names = list(variables)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(variables[name]) for name in names],
    )


def write_bert_config(directory, config):
    """Writes what BERT's code needs of a Hugging Face configuration."""
    names = (
        "attention_probs_dropout_prob",
        "hidden_act",
        "hidden_dropout_prob",
        "hidden_size",
        "intermediate_size",
        "max_position_embeddings",
        "num_attention_heads",
        "num_hidden_layers",
        "type_vocab_size",
        "vocab_size",
    )
    values = {name: config[name] for name in names if name in config}
    path = directory / "bert_config.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return path

"""Warm-up requests: what a server runs when it has loaded a model (needs TensorFlow).

The first request of a SavedModel is much slower than the next ones. TensorFlow Serving
runs the requests of a file beside the model before it calls it available.

Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.serving.client import ANSWER_SIGNATURE, LOGITS_SIGNATURE
from zonekeras.serving.grpc_transport import predict_request
from zonekeras.serving.transport import ServedModel, SignatureShapes
from zonekeras.zones import Role, open_tables

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"

_QUESTION = "Who built the mill?"
_PASSAGE = "The mill was built by Ada Brook in 1843 and sold to a brewer in 1871."
_REPEATED = 40
_ROLES = [Role.CLS, Role.QUESTION, Role.SEP, Role.PASSAGE, Role.PASSAGE, Role.SEP]


def read_signatures(saved_model: Path) -> SignatureShapes:
    """Reads the signatures of a SavedModel without loading it.

    Raises:
        InputError: If it is not a SavedModel.
    """
    message = saved_model_pb2.SavedModel()
    path = saved_model / "saved_model.pb"
    try:
        message.ParseFromString(path.read_bytes())
        [graph] = message.meta_graphs
    except (DecodeError, ValueError) as error:
        raise InputError(
            f"Expected a SavedModel. Received: {path}, which is none ({error}). Export "
            "the model again."
        ) from error
    return {
        name: {
            key: tuple(int(dimension.size) for dimension in info.tensor_shape.dim)
            for key, info in signature.inputs.items()
        }
        for name, signature in graph.signature_def.items()
        if not name.startswith("__")
    }


def write_warmup_requests(saved_model: Path, name: str) -> int:
    """Writes a file of warm-up requests beside a SavedModel.

    A request for each signature that clients call: a short and a long passage, with and
    without a mask, and a batch of encoded tokens.

    Args:
        saved_model: The SavedModel's directory.
        name: The model's name on the server.

    Returns:
        How many requests it has.

    Raises:
        InputError: If it is not a SavedModel of ours.
    """
    signatures = read_signatures(saved_model)
    if len(signatures.get(LOGITS_SIGNATURE, {}).get("zone_tables", ())) != 5:
        raise InputError(
            f"Expected a SavedModel that zonekeras exported. Received: {saved_model}, "
            f"with the signatures {', '.join(sorted(signatures)) or 'none'}."
        )
    model = ServedModel(name)
    logs = [
        prediction_log_pb2.PredictionLog(
            predict_log=prediction_log_pb2.PredictLog(
                request=predict_request(model, signature, inputs)
            )
        )
        for signature, inputs in _requests(signatures)
    ]
    target = saved_model / WARMUP_FILE
    target.parent.mkdir(exist_ok=True)
    atomic_write(target, _records(log.SerializeToString() for log in logs))
    return len(logs)


def _requests(signatures: SignatureShapes) -> list[tuple[str, dict[str, Any]]]:
    """Returns the requests: signature and inputs."""
    num_layers = signatures[LOGITS_SIGNATURE]["zone_tables"][1]
    num_heads = max(signatures[LOGITS_SIGNATURE]["zone_tables"][2], 1)
    tokens = np.zeros([2, len(_ROLES)], np.int32)
    tables = open_tables(num_layers, num_heads)
    logits = {
        "token_ids": tokens,
        "segment_ids": tokens,
        "roles": tokens + np.array(_ROLES, np.int32),
        "zone_tables": np.stack([tables, tables]),
    }
    requests: list[tuple[str, dict[str, Any]]] = [(LOGITS_SIGNATURE, logits)]
    if ANSWER_SIGNATURE in signatures:
        long = " ".join([_PASSAGE] * _REPEATED)
        rows = {
            "question": [_QUESTION, _QUESTION],
            "passage": [_PASSAGE, long],
            "mask": ["", "layer0:p2q"],
        }
        requests.append((ANSWER_SIGNATURE, rows))
    return requests


def _records(contents: Iterable[bytes]) -> bytes:
    """Returns a file of TFRecords as bytes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "records"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for content in contents:
                writer.write(content)
        return path.read_bytes()

"""A model behind TensorFlow Serving's gRPC API.

The messages are those of the package `tensorflow-serving-api`; they import TensorFlow.
Its `prediction_service_pb2` fails beside newer protobuf and is not needed: the stubs
are in `prediction_service_pb2_grpc`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from zonekeras.errors import InputError
from zonekeras.serving.transport import (
    ServedModel,
    ServerError,
    SignatureShapes,
    Tensors,
    UnavailableError,
)

_PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
)
_WRONG_REQUEST = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
_MAX_RESPONSE_BYTES = 256 << 20
_LONGEST_SHOWN = 300


class GrpcTransport:
    """One model of a server, over an unencrypted gRPC channel; see `Transport`.

    Args:
        target: Where the server is, such as `localhost:8500`.
        model: Which model.
        timeout_seconds: How long a call may take.
        channel: A channel to share; its own if left out.
    """

    def __init__(
        self,
        target: str,
        model: ServedModel,
        timeout_seconds: float,
        channel: grpc.Channel | None = None,
    ) -> None:
        self.model = model
        self._target = target
        self._timeout_seconds = timeout_seconds
        self._channel = channel or grpc.insecure_channel(
            target, [("grpc.max_receive_message_length", _MAX_RESPONSE_BYTES)]
        )
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def predict(self, signature: str, inputs: Tensors) -> dict[str, Any]:
        """Calls a signature; see `Transport.predict`."""
        request = predict_request(self.model, signature, inputs)
        response = self._call(self._prediction.Predict, request)
        return {name: _to_lists(value) for name, value in response.outputs.items()}

    def states(self) -> dict[int, str]:
        """Returns the state of every version; see `Transport.states`."""
        request = get_model_status_pb2.GetModelStatusRequest(
            model_spec=_model_spec(self.model)
        )
        response = self._call(self._models.GetModelStatus, request)
        state_name = get_model_status_pb2.ModelVersionStatus.State.Name
        return {
            int(status.version): state_name(status.state)
            for status in response.model_version_status
        }

    def signatures(self) -> SignatureShapes:
        """Returns the shapes of all inputs; see `Transport.signatures`."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=_model_spec(self.model), metadata_field=["signature_def"]
        )
        response = self._call(self._prediction.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        return {
            name: {
                key: tuple(int(dim.size) for dim in info.tensor_shape.dim)
                for key, info in signature.inputs.items()
            }
            for name, signature in found.signature_def.items()
        }

    def at(self, model: ServedModel) -> GrpcTransport:
        """Returns a transport to another model; see `Transport.at`."""
        return GrpcTransport(self._target, model, self._timeout_seconds, self._channel)

    def close(self) -> None:
        """Closes the channel, also for transports that share it."""
        self._channel.close()

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        """Calls a method of the server, and says what went wrong."""
        try:
            return method(request, timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            code = error.code()
            details = " ".join(str(error.details()).split())[:_LONGEST_SHOWN]
            received = f"{code.name}: {details}"
            if code in _PASSING:
                raise UnavailableError(f"{self._target}: {received}") from error
            if code in _WRONG_REQUEST:
                raise InputError(
                    f"Expected {self.model} at {self._target} to take this request. "
                    f"Received: {received}. Check the model's name and version, and "
                    "that it was exported by this version of zonekeras."
                ) from error
            raise ServerError(f"{self._target}: {received}") from error


def predict_request(
    model: ServedModel, signature: str, inputs: Tensors
) -> predict_pb2.PredictRequest:
    """Returns the message that calls a signature."""
    request = predict_pb2.PredictRequest(model_spec=_model_spec(model))
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def _model_spec(model: ServedModel) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=model.name)
    if model.version is not None:
        spec.version.value = model.version
    if model.label is not None:
        spec.version_label = model.label
    return spec


def _to_lists(tensor: Any) -> Any:
    """Returns a TensorProto's values as nested lists, text decoded."""
    array = tf.make_ndarray(tensor)
    if array.dtype == np.object_:
        array = np.vectorize(bytes.decode, otypes=[object])(array)
    return array.tolist()

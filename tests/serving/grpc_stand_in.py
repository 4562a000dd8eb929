"""A local gRPC server that stands in for TensorFlow Serving in the client's tests.

It is not TensorFlow Serving. It answers three of its methods (Predict, GetModelStatus,
GetModelMetadata) with the official messages.
"""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import grpc
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


class GrpcStandIn:
    """One model, how the server behaves, and what it was asked.

    Attributes:
        model: What answers: `signatures` and `call(signature, inputs)`.
        name: The model's name.
        states: Version -> state.
        codes: Status codes that the coming calls get instead of an answer.
        requests: The messages that came.
    """

    def __init__(self, model, name="reader"):
        self.model = model
        self.name = name
        self.states = {1: "AVAILABLE"}
        self.codes = []
        self.requests = []
        self.target = ""

    def check(self, request, context):
        """Counts a call, and refuses it if it is to fail or another model is meant."""
        self.requests.append(request)
        if self.codes:
            context.abort(self.codes.pop(0), "as asked")
        if request.model_spec.name != self.name:
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request")


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, stand_in):
        self._stand_in = stand_in

    def Predict(self, request, context):
        self._stand_in.check(request, context)
        model, signature = self._stand_in.model, request.model_spec.signature_name
        inputs = {
            name: _to_lists(tensor, model.signatures[signature]["inputs"][name][0])
            for name, tensor in request.inputs.items()
        }
        response = predict_pb2.PredictResponse()
        for name, value in model.call(signature, inputs).items():
            dtype = _dtype(model.signatures[signature]["outputs"][name][0])
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value, dtype))
        return response

    def GetModelMetadata(self, request, context):
        self._stand_in.check(request, context)
        found = get_model_metadata_pb2.SignatureDefMap()
        for name, parts in self._stand_in.model.signatures.items():
            for key, (dtype, shape) in parts["inputs"].items():
                found.signature_def[name].inputs[key].CopyFrom(
                    meta_graph_pb2.TensorInfo(
                        dtype=types_pb2.DataType.Value(dtype),
                        tensor_shape=tf.TensorShape(
                            [None if size < 0 else size for size in shape]
                        ).as_proto(),
                    )
                )
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(found)
        return response


class _Models(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, stand_in):
        self._stand_in = stand_in

    def GetModelStatus(self, request, context):
        self._stand_in.check(request, context)
        status = get_model_status_pb2.ModelVersionStatus
        return get_model_status_pb2.GetModelStatusResponse(
            model_version_status=[
                status(version=version, state=status.State.Value(state))
                for version, state in self._stand_in.states.items()
            ]
        )


@contextlib.contextmanager
def serve_grpc(model, name="reader"):
    """Runs a stand-in on the loopback and yields it."""
    stand_in = GrpcStandIn(model, name)
    server = grpc.server(ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Prediction(stand_in), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(stand_in), server)
    stand_in.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield stand_in
    finally:
        server.stop(grace=None).wait()


def _dtype(name):
    return tf.as_dtype(types_pb2.DataType.Value(name))


def _to_lists(tensor, dtype):
    """Reads a tensor, which has to be of its signature's type."""
    array = tf.make_ndarray(tensor)
    assert tensor.dtype == types_pb2.DataType.Value(dtype)
    if dtype == "DT_STRING":
        return [text.decode("utf-8") for text in array.tolist()]
    return array.tolist()

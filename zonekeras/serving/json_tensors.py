"""Tensors as JSON, by the rules of TensorFlow Serving's REST API, columnar layout.

Numbers are numbers; NaN and infinities are bare words, which strict JSON lacks. Text is
a string. Bytes are `{"b64": …}`, as are outputs whose name ends in `_bytes`. The server
leaves out the name of a single output.

Source: https://www.tensorflow.org/tfx/serving/api_rest, "Predict API", "JSON mapping",
"Encoding binary values" and "JSON conformance".
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

_BASE64 = "b64"


def encode_request(signature: str, inputs: Mapping[str, Any]) -> bytes:
    """Returns the body of a predict request.

    Args:
        signature: The signature's name.
        inputs: Input -> nested lists of numbers, str or bytes, or a NumPy array of
            numbers. A float32 arrives as the same float32.

    Raises:
        UnicodeEncodeError: If a text has half a surrogate pair.
    """
    columns = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in inputs.items()
    }
    body = {"signature_name": signature, "inputs": columns}
    return _to_json(body).encode("utf-8")


def decode_response(content: bytes) -> dict[str, Any]:
    """Returns the outputs of a predict response: name -> nested lists.

    A single output, whose name the server leaves out, is under the name `""`.

    Raises:
        ValueError: If it is not such a response.
    """
    body = from_json(content)
    if not isinstance(body, dict) or "outputs" not in body:
        raise ValueError('no "outputs"')
    outputs = body["outputs"]
    return outputs if isinstance(outputs, dict) else {"": outputs}


def from_json(content: bytes) -> Any:
    """Reads JSON with `NaN`, `Infinity` and `{"b64": …}` in it.

    Raises:
        ValueError: If it is not JSON, or not base64.
    """
    try:
        return json.loads(content, object_hook=_decode_object)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _to_json(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), default=_encode_bytes
    )


def _encode_bytes(value: Any) -> dict[str, str]:
    """Encodes what JSON has no form for."""
    if isinstance(value, bytes):
        return {_BASE64: base64.b64encode(value).decode("ascii")}
    raise TypeError(f"expected numbers, text or bytes. Received: {type(value)}")


def _decode_object(value: dict[str, Any]) -> Any:
    """Turns an encoded value back into bytes; leaves other objects."""
    if value.keys() != {_BASE64}:
        return value
    try:
        return base64.b64decode(value[_BASE64], validate=True)
    except (TypeError, binascii.Error) as error:
        raise ValueError(f"not base64: {error}") from error

"""The JSON of TensorFlow Serving's REST API, by its published page."""

import json
import math

import numpy as np
import pytest

from zonekeras.serving.json_tensors import decode_response, encode_request, from_json


def test_the_published_example_in_columns():
    inputs = {
        "tag": ["foo", "bar"],
        "signal": [[1, 2, 3, 4, 5], [3, 4, 1, 2, 5]],
        "sensor": np.array([[[1, 2], [3, 4]], [[4, 5], [6, 8]]]),
    }
    assert encode_request("tags", inputs) == (
        b'{"signature_name":"tags","inputs":{"tag":["foo","bar"],'
        b'"signal":[[1,2,3,4,5],[3,4,1,2,5]],'
        b'"sensor":[[[1,2],[3,4]],[[4,5],[6,8]]]}}'
    )


def test_bytes_are_base64_as_published():
    body = encode_request("f", {"image": [b"image bytes", b"awesome image bytes"]})
    assert json.loads(body)["inputs"]["image"] == [
        {"b64": "aW1hZ2UgYnl0ZXM="},
        {"b64": "YXdlc29tZSBpbWFnZSBieXRlcw=="},
    ]


def test_what_strict_json_lacks_is_a_bare_word():
    body = encode_request("f", {"x": np.array([1.0, math.nan, math.inf, -math.inf])})
    assert body.endswith(b'"inputs":{"x":[1.0,NaN,Infinity,-Infinity]}}')
    back = decode_response(b'{"outputs": [-3.14, NaN, Infinity, -Infinity]}')[""]
    assert back[0] == -3.14
    assert math.isnan(back[1])
    assert back[2:] == [math.inf, -math.inf]


def test_a_float32_arrives_as_the_same_float32():
    values = np.array([0.1, 1 / 3, 1e-38, 16777217.0, -2.5e30], np.float32)
    sent = json.loads(encode_request("f", {"x": values}))["inputs"]["x"]
    assert np.array_equal(np.float32(sent), values)


def test_text_travels_as_utf8():
    texts = ["Zürich", "机器", "🐈", 'a "b" \\ c', "tab\tnul\0", "{}"]
    body = encode_request("f", {"x": texts})
    assert json.loads(body)["inputs"]["x"] == texts
    assert "机器".encode() in body


def test_half_a_surrogate_pair_is_no_text():
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        encode_request("f", {"x": ["\ud83d"]})


def test_a_value_without_a_json_form():
    with pytest.raises(TypeError, match="expected numbers, text or bytes"):
        encode_request("f", {"x": [{1}]})


def test_outputs_by_name_and_bytes_back():
    content = b'{"outputs": {"text": ["a"], "image_bytes": [{"b64": "aGVsbG8="}]}}'
    assert decode_response(content) == {"text": ["a"], "image_bytes": [b"hello"]}


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b'{"predictions": [1]}', b'{"outputs": {"b64": "%"}}'],
)
def test_what_is_no_response(content):
    with pytest.raises(ValueError, match="."):
        decode_response(content)


def test_only_an_object_of_b64_alone_is_bytes():
    assert from_json(b'{"b64": "aGk=", "other": 1}') == {"b64": "aGk=", "other": 1}

"""A model behind TensorFlow Serving's REST API.

Source of the routes: https://www.tensorflow.org/tfx/serving/api_rest.
"""

from __future__ import annotations

import time
from typing import Any

import requests
import urllib3

from zonekeras.errors import InputError
from zonekeras.limits import MOST_ANSWER_BYTES
from zonekeras.serving.json_tensors import (
    decode_response,
    encode_request,
    from_json,
)
from zonekeras.serving.transport import (
    ServedModel,
    ServerError,
    SignatureShapes,
    Tensors,
    UnavailableError,
)

_PASSING_CODES = (429, 502, 503, 504)
_LONGEST_SHOWN = 300
_BLOCK_BYTES = 1 << 16
_ANSWER_TIMEOUTS = 10
"""An answer may take as many times longer than its server may be silent."""


class RestTransport:
    """One model of a server, over HTTP; see `Transport`.

    Proxies are taken from the environment; redirects are not followed.

    Args:
        url: Where the server is, such as `http://localhost:8501`.
        model: Which model.
        timeout_seconds: How long the server may be silent; a whole answer may take ten
            times as long.
        session: Connections to share; its own if left out.
    """

    def __init__(
        self,
        url: str,
        model: ServedModel,
        timeout_seconds: float,
        session: requests.Session | None = None,
    ) -> None:
        self.model = model
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._session = session or requests.Session()

    def predict(self, signature: str, inputs: Tensors) -> dict[str, Any]:
        """Calls a signature; see `Transport.predict`."""
        content = self._request("POST", ":predict", encode_request(signature, inputs))
        try:
            return decode_response(content)
        except ValueError as error:
            raise self._unexpected("the outputs of a model", error) from error

    def states(self) -> dict[int, str]:
        """Returns the state of every version; see `Transport.states`."""
        content = self._request("GET", "")
        try:
            return {
                int(status["version"]): str(status["state"])
                for status in from_json(content)["model_version_status"]
            }
        except (ValueError, KeyError, TypeError) as error:
            raise self._unexpected("the states of a model", error) from error

    def signatures(self) -> SignatureShapes:
        """Returns the shapes of all inputs; see `Transport.signatures`."""
        content = self._request("GET", "/metadata")
        try:
            found = from_json(content)["metadata"]["signature_def"]["signature_def"]
            return {
                name: {
                    key: _dimensions(info)
                    for key, info in signature.get("inputs", {}).items()
                }
                for name, signature in found.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unexpected("the signatures of a model", error) from error

    def at(self, model: ServedModel) -> RestTransport:
        """Returns a transport to another model; see `Transport.at`."""
        return RestTransport(self._url, model, self._timeout_seconds, self._session)

    def close(self) -> None:
        """Closes the connections, also those of transports that share them."""
        self._session.close()

    def _request(self, method: str, route: str, body: bytes | None = None) -> bytes:
        """Sends a request; returns the body of a good answer."""
        address = f"{self._url}/v1/models/{_path(self.model)}{route}"
        try:
            response = self._session.request(
                method,
                address,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self._timeout_seconds,
                allow_redirects=False,
                stream=True,
            )
            content = self._read(response, address)
        except ServerError:
            raise
        except requests.exceptions.InvalidURL as error:
            raise InputError(
                f"Expected the address of a server. Received: {self._url} ({error})."
            ) from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise UnavailableError(f"{address}: {_reason(error)}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise ServerError(f"{address}: {_reason(error)}") from error
        except (OSError, UnicodeError, ValueError) as error:
            raise UnavailableError(f"{address}: {_reason(error)}") from error
        if response.status_code == requests.codes.ok:
            return content
        received = f"HTTP {response.status_code}: {_refusal(response, content)}"
        if response.status_code in _PASSING_CODES:
            raise UnavailableError(f"{address}: {received}")
        if 400 <= response.status_code < 500:
            raise InputError(
                f"Expected {self.model} at {self._url} to take this request. Received: "
                f"{received}. Check the model's name and version, and that it was "
                "exported by this version of zonekeras."
            )
        raise ServerError(f"{address}: {received}")

    def _read(self, response: requests.Response, address: str) -> bytes:
        """Reads an answer, up to a size and for a time that no good one takes."""
        last = time.monotonic() + _ANSWER_TIMEOUTS * self._timeout_seconds
        parts, size = [], 0
        try:
            # What a server packed counts as what it is unpacked.
            while part := response.raw.read1(_BLOCK_BYTES, decode_content=True):
                parts.append(part)
                size += len(part)
                if size > MOST_ANSWER_BYTES:
                    raise ServerError(
                        f"{address}: expected an answer of at most "
                        f"{MOST_ANSWER_BYTES:,} bytes. Received: more. Check the "
                        "address and its port."
                    )
                if time.monotonic() > last:
                    raise UnavailableError(f"{address}: no whole answer in time")
        finally:
            if response.raw.length_remaining:
                response.close()  # what is left of it must not begin the next answer
        if response.raw.length_remaining:
            raise UnavailableError(f"{address}: an answer that was cut off")
        return b"".join(parts)

    def _unexpected(self, expected: str, error: Exception) -> ServerError:
        return ServerError(
            f"{self._url}: expected {expected}, as TensorFlow Serving answers. "
            f"Received: something else ({type(error).__name__}: {error}). Check the "
            "address and its port."
        )


def _path(model: ServedModel) -> str:
    if model.label is not None:
        return f"{model.name}/labels/{model.label}"
    return (
        model.name
        if model.version is None
        else f"{model.name}/versions/{model.version}"
    )


def _dimensions(info: dict[str, Any]) -> tuple[int, ...]:
    """Reads the JSON form of a TensorInfo's shape; sizes are strings in it."""
    shape = info.get("tensor_shape", {})
    return tuple(int(dimension["size"]) for dimension in shape.get("dim", []))


def _refusal(response: requests.Response, content: bytes) -> str:
    """Returns the server's own words, or the beginning of what it sent."""
    try:
        text = str(from_json(content)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        text = content[: 4 * _LONGEST_SHOWN].decode("utf-8", "replace")
        text = text or str(response.reason)
    return " ".join(text.split())[:_LONGEST_SHOWN]


def _reason(error: Exception) -> str:
    """Returns the innermost reason; the outer ones repeat the address."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

"""A local HTTP server that stands in for TensorFlow Serving in the client's tests.

It is not TensorFlow Serving. It speaks the routes of its published REST rules (status,
metadata, predict, in rows and in columns) and is strict about them: it refuses what
they forbid, so that a client that breaks them fails here too.

Source: https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import contextlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_ROUTE = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<end>/metadata|:predict)?"
)


class Refusal(Exception):
    """What the server answers instead: an HTTP code and the value of `error`."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class StandIn:
    """One model, how the server behaves, and what it was asked.

    Attributes:
        model: What answers: `signatures` and `call(signature, inputs)`.
        name: The model's name.
        states: Version -> state.
        labels: Label -> version.
        codes: HTTP codes that the coming requests get instead of an answer; 0 closes
            the connection without one.
        max_batch_size: Rows of a request that it takes at most.
        raw: If set, the body of every predict response.
        requests: Of every request its method, path and body.
    """

    def __init__(self, model, name="reader"):
        self.model = model
        self.name = name
        self.states = {1: "AVAILABLE"}
        self.labels = {}
        self.codes = []
        self.max_batch_size = 32
        self.raw = None
        self.requests = []
        self.url = ""

    def respond(self, method, path, body):
        """Returns the bytes of a good answer, or raises `Refusal`."""
        route = _ROUTE.fullmatch(path)
        if route is None:
            raise Refusal(404, f"Malformed request: {method} {path}")
        self._check_model(route)
        if method == "GET" and not route["end"]:
            return json.dumps(self._status(route)).encode()
        if method == "GET" and route["end"] == "/metadata":
            return json.dumps(self._metadata()).encode()
        if method == "POST" and route["end"] == ":predict":
            answer = self._predict(body)
            return answer if self.raw is None else self.raw
        raise Refusal(404, f"Malformed request: {method} {path}")

    def _check_model(self, route):
        """Refuses a model, version or label that is not served."""
        version = route["version"]
        if route["label"] is not None:
            if route["label"] not in self.labels:
                raise Refusal(
                    400, f"Unrecognized servable version label: {route['label']}"
                )
            version = self.labels[route["label"]]
        found = version is None or self.states.get(int(version)) == "AVAILABLE"
        if route["name"] != self.name or (not found and route["end"]):
            which = "Latest" if version is None else "Specific"
            raise Refusal(
                404, f"Servable not found for request: {which}({route['name']})"
            )

    def _status(self, route):
        chosen = route["version"] or self.labels.get(route["label"])
        return {
            "model_version_status": [
                {
                    "version": str(version),
                    "state": state,
                    "status": {"error_code": "OK", "error_message": ""},
                }
                for version, state in self.states.items()
                if chosen is None or version == int(chosen)
            ]
        }

    def _metadata(self):
        signatures = {
            name: {
                "inputs": {key: _info(*what) for key, what in parts["inputs"].items()},
                "outputs": {
                    key: _info(*what) for key, what in parts["outputs"].items()
                },
                "method_name": "tensorflow/serving/predict",
            }
            for name, parts in self.model.signatures.items()
        }
        return {
            "model_spec": {"name": self.name, "signature_name": "", "version": "1"},
            "metadata": {"signature_def": {"signature_def": signatures}},
        }

    def _predict(self, body):
        """Reads a request in rows or columns, calls the model, answers likewise."""
        try:
            request = json.loads(body)
        except ValueError as error:
            raise Refusal(400, f"JSON Parse error: {error}") from error
        signature = request.get("signature_name", "serving_default")
        if signature not in self.model.signatures:
            raise Refusal(
                400,
                f'Serving signature name: "{signature}" not found in signature def',
            )
        layouts = {"instances", "inputs"} & request.keys()
        if len(layouts) != 1:
            raise Refusal(400, "Expected either 'instances' or 'inputs'")
        [layout] = layouts
        parts = self.model.signatures[signature]
        given = request[layout]
        if layout == "instances":
            given = _columns(given, parts["inputs"])
        elif len(parts["inputs"]) == 1:
            given = {next(iter(parts["inputs"])): given}
        if not isinstance(given, dict) or given.keys() != parts["inputs"].keys():
            raise Refusal(400, "Missing inputs or unknown ones")
        inputs = {
            key: _tensor(value, *parts["inputs"][key]) for key, value in given.items()
        }
        sizes = {len(value) for value in inputs.values()}
        if len(sizes) > 1:
            raise Refusal(400, "Batching session Run() input tensors: unequal 0th dim")
        [size] = sizes
        if size > self.max_batch_size:
            raise Refusal(
                400,
                f"Task size {size} is larger than maximum input batch size "
                f"{self.max_batch_size}",
            )
        outputs = {
            key: _json(value, as_bytes=key.endswith("_bytes"))
            for key, value in self.model.call(signature, inputs).items()
        }
        if layout == "inputs":
            alone = len(outputs) == 1
            return _body(
                {"outputs": next(iter(outputs.values())) if alone else outputs}
            )
        if len(outputs) == 1:
            return _body({"predictions": next(iter(outputs.values()))})
        rows = [
            dict(zip(outputs, row, strict=True))
            for row in zip(*outputs.values(), strict=True)
        ]
        return _body({"predictions": rows})


@contextlib.contextmanager
def serve(model, name="reader"):
    """Runs a stand-in on the loopback and yields it."""
    stand_in = StandIn(model, name)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._answer("GET", b"")

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            self._answer("POST", self.rfile.read(length))

        def _answer(self, method, body):
            stand_in.requests.append((method, self.path, body))
            code = stand_in.codes.pop(0) if stand_in.codes else 200
            if code == 0:
                self.close_connection = True
                return
            try:
                if code != 200:
                    raise Refusal(code, f"code {code}")
                content = stand_in.respond(method, self.path, body)
            except Refusal as refusal:
                code = refusal.code
                content = json.dumps({"error": str(refusal)}).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _info(dtype, shape):
    dimensions = [{"size": str(size), "name": ""} for size in shape]
    return {
        "dtype": dtype,
        "tensor_shape": {"dim": dimensions, "unknown_rank": False},
        "name": "tensor:0",
    }


def _columns(instances, inputs):
    """Turns rows into columns."""
    if not isinstance(instances, list) or not instances:
        raise Refusal(400, "'instances' must be a list with an entry")
    if len(inputs) == 1:
        return {next(iter(inputs)): instances}
    if any(
        not isinstance(row, dict) or row.keys() != inputs.keys() for row in instances
    ):
        raise Refusal(400, "Every instance must have all named inputs")
    return {key: [row[key] for row in instances] for key in inputs}


def _tensor(value, dtype, shape):
    """Checks that nested lists are a tensor of this type and shape."""
    if not shape:
        return _value(value, dtype)
    if not isinstance(value, list) or (shape[0] >= 0 and len(value) != shape[0]):
        raise Refusal(400, f"Expected a list of {shape[0]} for {dtype}")
    parts = [_tensor(part, dtype, shape[1:]) for part in value]
    if len(shape) > 1 and len({len(part) for part in parts}) > 1:
        raise Refusal(400, "Encountered list at unexpected size")
    return parts


def _value(value, dtype):
    """Checks one value; text may come as a string or as base64."""
    if dtype == "DT_STRING":
        if isinstance(value, dict) and value.keys() == {"b64"}:
            value = base64.b64decode(value["b64"], validate=True).decode("utf-8")
        if isinstance(value, str):
            return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if dtype == "DT_FLOAT" and is_number:
        return float(value)
    if dtype == "DT_INT32" and is_number and value == int(value):
        return int(value)
    raise Refusal(400, f"JSON Value: {value!r} is not of expected type: {dtype}")


def _json(value, as_bytes):
    if isinstance(value, list):
        return [_json(part, as_bytes) for part in value]
    if as_bytes:
        return {"b64": base64.b64encode(value).decode("ascii")}
    return value


def _body(content):
    return json.dumps(content, ensure_ascii=False).encode("utf-8")

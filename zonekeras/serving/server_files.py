"""What TensorFlow Serving is started with: its configuration files and `docker run`.

Text only; nothing here imports TensorFlow. The messages are `ModelServerConfig` and
`BatchingParameters` of TensorFlow Serving, in protobuf's text format.

Source: https://www.tensorflow.org/tfx/serving/serving_config and the comments in
`tensorflow_serving/batching/batching_session.h`.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from zonekeras.defaults import SERVED_ROWS

MODELS_CONFIG = "models.config"
BATCHING_CONFIG = "batching.config"
IMAGE = "tensorflow/serving:2.20.0"

_REST_TIMEOUT_MILLISECONDS = 120_000
_REST_PORT = 8501
_GRPC_PORT = 8500


@dataclass(frozen=True)
class BatchingSettings:
    """How the server joins requests into batches.

    Attributes:
        max_batch_size: Most rows of a batch, and so of a request.
        batch_timeout_micros: How long a request waits for others, in microseconds.
        max_enqueued_batches: Batches that may wait; further requests are refused.
        num_batch_threads: Batches run at once.
    """

    max_batch_size: int = SERVED_ROWS
    batch_timeout_micros: int = 5_000
    max_enqueued_batches: int = 100
    num_batch_threads: int = 2


def models_config(name: str) -> str:
    """Returns the file that says which model is served, the latest version of it."""
    return f"""\
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
  }}
}}
"""


def batching_config(settings: BatchingSettings) -> str:
    """Returns the file that says how requests are joined."""
    return f"""\
# A batch joins the rows of several requests. Every input and output of the signatures
# has the rows as its first dimension. No request may have more rows than a batch.
max_batch_size {{ value: {settings.max_batch_size} }}
batch_timeout_micros {{ value: {settings.batch_timeout_micros} }}
# What comes when so many batches wait is refused as UNAVAILABLE (HTTP 503).
max_enqueued_batches {{ value: {settings.max_enqueued_batches} }}
num_batch_threads {{ value: {settings.num_batch_threads} }}
# allowed_batch_sizes is left out: any size runs, none has to be filled up with copies.
# Must stay false: it pads with the first element of a tensor, and in "roles" that is
# CLS, which every token sees. Clients of serving_default pad to one length themselves.
pad_variable_length_inputs: false
"""


def docker_command(
    model_directory: Path,
    config_directory: Path,
    name: str,
    *,
    rest_port: int = _REST_PORT,
    grpc_port: int = _GRPC_PORT,
    image: str = IMAGE,
    gpu: bool = False,
) -> list[str]:
    """Returns the command that serves a model on this machine alone.

    The server has no authentication: its ports are bound to the loopback. The container
    can write nowhere but to its own `/tmp`, and its user has no capabilities.

    Args:
        model_directory: The model directory; mounted, not copied.
        config_directory: Where the two files are.
        name: The model's name.
        rest_port: Port of this machine for REST.
        grpc_port: Port of this machine for gRPC.
        image: The image to run.
        gpu: Whether the container gets the GPUs; needs an image for them.
    """
    mounts = [
        (model_directory.resolve(), f"/models/{name}"),
        (config_directory.resolve(), "/config"),
    ]
    return [
        "docker",
        "run",
        "--rm",
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        *(["--gpus=all"] if gpu else []),
        f"--publish=127.0.0.1:{rest_port}:{_REST_PORT}",
        f"--publish=127.0.0.1:{grpc_port}:{_GRPC_PORT}",
        *(
            f"--mount=type=bind,source={source},target={target},readonly"
            for source, target in mounts
        ),
        image,
        f"--model_config_file=/config/{MODELS_CONFIG}",
        "--enable_batching=true",
        f"--batching_parameters_file=/config/{BATCHING_CONFIG}",
        f"--rest_api_timeout_in_ms={_REST_TIMEOUT_MILLISECONDS}",
    ]


def shell_line(command: list[str]) -> str:
    """Writes a command for a shell, an argument to a line."""
    return " \\\n    ".join(map(shlex.quote, command)).replace(
        "docker \\\n    run", "docker run", 1
    )

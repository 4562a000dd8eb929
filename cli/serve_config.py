"""`zonekeras serve-config`: what TensorFlow Serving needs to serve a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.parsing import CommandParser
from cli.running import run_command
from cli.value_types import (
    at_most,
    existing_directory,
    local_path,
    non_negative_int,
    positive_int,
)
from zonekeras.errors import InputError
from zonekeras.serving.server_files import (
    BATCHING_CONFIG,
    IMAGE,
    MODELS_CONFIG,
    BatchingSettings,
    batching_config,
    docker_command,
    models_config,
    shell_line,
)
from zonekeras.serving.transport import MODEL_NAME

PROG = "zonekeras serve-config"
DEFAULT_FOLDER = "serving"
_DEFAULTS = BatchingSettings()

EPILOG = f"""\
example:
  $ zonekeras serve-config saved_models/served --name reader
  wrote saved_models/served/serving/models.config
  wrote saved_models/served/serving/batching.config
  wrote saved_models/served/1/assets.extra/tf_serving_warmup_requests (2 requests)
  serve it on this machine alone with

  docker run …

What is printed after that line starts {IMAGE}; paste it. REST is on port
8501 then, gRPC on 8500. Ask the server:
  >>> from zonekeras.serving import Client
  >>> Client("http://localhost:8501", "reader").answer("Who built it?", passage)

It needs the extra 'serving': pip install 'zonekeras[serving]'. docs/serving.md explains
the files.
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Write what a TensorFlow Serving server is started with, its "
        "configuration and requests to warm the model up; print the docker line.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "directory",
        metavar="MODEL_DIR",
        type=existing_directory,
        help="a model directory with an exported SavedModel in it (1/)",
    )
    parser.add_argument(
        "--output_dir",
        metavar="DIR",
        type=local_path,
        help=f"where the two files go (unset: MODEL_DIR/{DEFAULT_FOLDER})",
    )
    parser.add_argument(
        "--name", metavar="NAME", help="the model's name (unset: MODEL_DIR's)"
    )
    _add_batching_flags(parser)
    _add_server_flags(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    arguments = build_parser().parse_args(argv)
    directory = Path(arguments.directory)
    name = directory.resolve().name if arguments.name is None else arguments.name
    _check(directory, name)
    saved_model = _latest_version(directory)
    target = Path(arguments.output_dir or directory / DEFAULT_FOLDER)

    try:
        from zonekeras.serving.warmup import WARMUP_FILE, write_warmup_requests
    except ModuleNotFoundError as error:
        raise InputError(
            f"Expected the package {error.name}. Received: a Python without it. "
            "Install it: pip install 'zonekeras[serving]'."
        ) from error

    from zonekeras.files.atomic import atomic_write
    from zonekeras.models.saved_model import check_graph_version

    check_graph_version(saved_model, can_leave=False)
    num_requests = write_warmup_requests(saved_model, name)
    target.mkdir(parents=True, exist_ok=True)
    atomic_write(target / MODELS_CONFIG, models_config(name))
    atomic_write(target / BATCHING_CONFIG, batching_config(_batching(arguments)))
    print(f"wrote {target / MODELS_CONFIG}")
    print(f"wrote {target / BATCHING_CONFIG}")
    print(f"wrote {saved_model / WARMUP_FILE} ({num_requests} requests)")
    command = docker_command(
        directory,
        target,
        name,
        rest_port=arguments.rest_port,
        grpc_port=arguments.grpc_port,
        image=arguments.image or (f"{IMAGE}-gpu" if arguments.gpu else IMAGE),
        gpu=arguments.gpu,
    )
    print(f"serve it on this machine alone with\n\n{shell_line(command)}")


def _add_batching_flags(parser: CommandParser) -> None:
    group = parser.add_argument_group("batching")
    group.add_argument(
        "--max_batch_size",
        metavar="N",
        type=positive_int,
        default=_DEFAULTS.max_batch_size,
        help="most rows of a batch, and of a request",
    )
    group.add_argument(
        "--batch_timeout_micros",
        metavar="N",
        type=non_negative_int,
        default=_DEFAULTS.batch_timeout_micros,
        help="how long a request waits for others to share its batch",
    )
    group.add_argument(
        "--max_enqueued_batches",
        metavar="N",
        type=positive_int,
        default=_DEFAULTS.max_enqueued_batches,
        help="batches that may wait; further requests are refused",
    )
    group.add_argument(
        "--num_batch_threads",
        metavar="N",
        type=positive_int,
        default=_DEFAULTS.num_batch_threads,
        help="batches run at once",
    )


def _add_server_flags(parser: CommandParser) -> None:
    group = parser.add_argument_group("docker run")
    group.add_argument(
        "--image",
        metavar="IMAGE",
        help=f"the server's image (unset: {IMAGE}, with --gpu {IMAGE}-gpu)",
    )
    parser.add_boolean(
        "--gpu", default=False, help="give the container the GPUs", group=group
    )
    group.add_argument(
        "--rest_port",
        metavar="PORT",
        type=at_most(65_535, positive_int),
        default=8501,
        help="port of this machine for REST",
    )
    group.add_argument(
        "--grpc_port",
        metavar="PORT",
        type=at_most(65_535, positive_int),
        default=8500,
        help="port of this machine for gRPC",
    )


def _check(directory: Path, name: str) -> None:
    """Checks what can be checked before TensorFlow is imported; all faults at once."""
    faults = []
    if not MODEL_NAME.fullmatch(name):
        faults.append(
            f"--name {name!r} (letters, digits, dots, dashes and underscores serve)"
        )
    if "," in str(directory.resolve()):
        faults.append(f"{directory} (docker cannot mount a path with a comma)")
    if faults:
        raise InputError(f"Expected other flags. Received: {'; '.join(faults)}.")


def _latest_version(directory: Path) -> Path:
    """Returns the version directory that a server would take: the highest number."""
    versions = [
        path.parent
        for path in directory.glob("*/saved_model.pb")
        if path.parent.name.isdecimal()
    ]
    if not versions:
        raise InputError(
            f"Expected a model directory with a SavedModel in it, such as "
            f"{directory / '1'}. Received: {directory}, which has none. Export the "
            "model: zonekeras export --model SOURCE --output_dir DIR."
        )
    return max(versions, key=lambda path: int(path.name))


def _batching(arguments: argparse.Namespace) -> BatchingSettings:
    return BatchingSettings(
        max_batch_size=arguments.max_batch_size,
        batch_timeout_micros=arguments.batch_timeout_micros,
        max_enqueued_batches=arguments.max_enqueued_batches,
        num_batch_threads=arguments.num_batch_threads,
    )


if __name__ == "__main__":
    sys.exit(main())

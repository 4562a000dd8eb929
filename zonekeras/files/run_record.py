"""`run.json`: what a command was told and what it ran on, written before it works."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zonekeras.files.atomic import atomic_write
from zonekeras.version import __version__

RECORD_FILE = "run.json"
_PACKAGES = ("keras", "keras-hub", "tensorflow", "jax", "numpy")


def write_run_record(
    directory: Path,
    content: Mapping[str, Any],
    command: Mapping[str, Any] | None = None,
    name: str = RECORD_FILE,
) -> None:
    """Writes the record of one run.

    Args:
        directory: Where its results go.
        content: What it runs on: model, data, resolved settings; JSON values.
        command: Who called: a command's name, arguments and flags. Values that JSON
            does not have are written as text. If left out, the record says that the
            call came from Python.
        name: Of the file.
    """
    caller = {"command": None} if command is None else command
    record = {
        **caller,
        **content,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "process": os.getpid(),
        "python": platform.python_version(),
        "machine": platform.platform(),
        "versions": _versions(),
        "git_commit": _git_commit(),
    }
    text = json.dumps(record, indent=2, default=str) + "\n"
    atomic_write(directory / name, text)


def _versions() -> dict[str, str]:
    versions = {"zonekeras": __version__}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _git_commit() -> str | None:
    """The commit of the package's own checkout, if it runs from one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None  # installed, perhaps inside a checkout of something else
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

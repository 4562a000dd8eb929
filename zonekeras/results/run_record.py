"""`run.json`: what a command was told and what it ran on, written before it works."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zonekeras.results.files import atomic_write

RECORD_FILE = "run.json"
_PACKAGES = ("zonekeras", "keras", "keras-hub", "tensorflow", "jax", "numpy")


def write_run_record(
    directory: Path, command: str, flags: Mapping[str, Any], model: str
) -> None:
    """Writes the record of one run.

    Args:
        directory: Where its results go.
        command: Its name.
        flags: The flags with their resolved values.
        model: Where its model came from.
    """
    record = {
        "command": command,
        "arguments": sys.argv[1:],
        "flags": {name: _plain(value) for name, value in flags.items()},
        "model": model,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.platform(),
        "versions": _versions(),
        "git_commit": _git_commit(),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    atomic_write(directory / RECORD_FILE, text)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | list | None) else str(value)


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _git_commit() -> str | None:
    """The commit of this checkout, if it is one."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

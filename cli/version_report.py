"""What `zonekeras --version` prints: what a report of a bug needs."""

from __future__ import annotations

import importlib
import platform

from zonekeras import __version__, machine
from zonekeras.cpu import this_cpu

_PACKAGES = ("tensorflow", "tensorflow-text", "keras", "keras-hub", "keras-nlp")


def print_versions() -> None:
    """Prints versions, backend, CPU, oneDNN and devices; each as far as it is known.

    What needs TensorFlow comes last, so that the rest is there if its import kills the
    process.
    """
    print(f"zonekeras {__version__}")
    backend = machine.backend()
    packages = [*_PACKAGES, "numpy"]
    if backend not in packages:
        packages.append(backend)
    _print("python", platform.python_version())
    _print("system", platform.platform())
    for name in packages:
        _print(name, machine.package_version(name) or "not installed")
    _print("backend", machine.describe_backend())
    _print("CPU", this_cpu().name or "unknown")
    _print("instructions", this_cpu().instructions)
    _print("usable cores", str(machine.usable_cores() or "unknown"))
    faults = {name: _fault(name) for name in ("tensorflow", backend)}
    _print("oneDNN", faults["tensorflow"] or machine.describe_onednn())
    found = ", ".join(machine.devices() or ())
    _print("devices", faults[backend] or found or "unknown")


def _print(name: str, value: str) -> None:
    print(f"{name:<15}  {value}", flush=True)


def _fault(name: str) -> str:
    """Imports a package; returns why it cannot be, or nothing."""
    try:
        importlib.import_module(name)
    except Exception as error:  # a broken installation may raise anything
        lines = str(error).splitlines() or [""]
        reason = f"{type(error).__name__}: {lines[0]}"
        return f"unknown, since {name} cannot be imported ({reason})"
    return ""

"""What this process runs on: packages, backend, devices, and how the CPU is used.

For error messages and for reports of bugs. Nothing here fails: what cannot be found out
is None or "unknown". Only `devices` and its callers import TensorFlow or JAX.
`describe_machine` and `advice_on_not_finite` look only at what is imported already, so
a module may use them and stay free of Keras.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from zonekeras.cpu import Cpu, this_cpu

ONEDNN_VARIABLES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")

_TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tensorflow-tpu", "tf-nightly")
# Of the values of ONEDNN_MAX_CPU_ISA, those that rule out bfloat16 instructions. With
# the first kind TensorFlow still asks for bfloat16 on a CPU with AVX-512, oneDNN
# refuses, and the process is aborted.
_ISA_BELOW_AVX512 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2")
_ISA_WITHOUT_BFLOAT16 = (*_ISA_BELOW_AVX512, "AVX512_CORE", "AVX512_CORE_VNNI")


def package_version(name: str) -> str | None:
    """Returns the version of an installed package, which is not imported.

    Args:
        name: As it is called in the package index; TensorFlow's variants all count as
            `tensorflow`.
    """
    from importlib import metadata  # it takes longer to import than all of this

    for one in _TENSORFLOW if name == "tensorflow" else (name,):
        try:
            version = metadata.version(one)
        except metadata.PackageNotFoundError:
            continue
        return version if one == name else f"{version} ({one})"
    return None


def backend() -> str:
    """Returns the name of Keras' backend, as Keras resolves it; it isn't imported."""
    return _backend_and_source()[0]


def describe_backend() -> str:
    """Returns the backend's name and what decided it."""
    name, source = _backend_and_source()
    return f"{name} ({source})"


def usable_cores() -> int | None:
    """Returns how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def has_bfloat16_instructions() -> bool | None:
    """Whether the CPU multiplies bfloat16 itself; None if that cannot be known."""
    return this_cpu().has_bfloat16


def onednn_is_on() -> bool | None:
    """Whether TensorFlow computes with oneDNN; None unless TensorFlow is imported.

    TensorFlow decides when it is first asked, from TF_ENABLE_ONEDNN_OPTS or else from
    the CPU, so that only its own answer counts.
    """
    if "tensorflow" not in sys.modules:
        return None
    try:
        # It has no public name; TensorFlow's own tests ask here.
        port = importlib.import_module("tensorflow.python.util._pywrap_util_port")
        return bool(port.IsMklEnabled())
    except (ImportError, AttributeError):
        return None


def describe_onednn() -> str:
    """Returns on, off or unknown, with the variables that are set for it."""
    state = {True: "on", False: "off", None: "unknown"}[onednn_is_on()]
    given = [
        f"{name}={os.environ[name]}" for name in ONEDNN_VARIABLES if name in os.environ
    ]
    return f"{state} ({', '.join(given)})" if given else state


def devices() -> list[str] | None:
    """Returns the backend's devices, such as `GPU:0 (NVIDIA H200)`; imports it.

    Returns:
        None if they cannot be had.
    """
    name = backend()
    try:
        if name == "tensorflow":
            return _tensorflow_devices()
        if name == "jax":
            import jax

            return [f"{one.platform.upper()}:{one.id}" for one in jax.devices()]
    except Exception:  # a broken installation may raise anything
        pass
    return None


def describe_machine() -> str:
    """Describes CPU, oneDNN, accelerators and packages in one line.

    It imports nothing: of a backend that is not imported, only the version is named.
    """
    name = backend()
    parts = [this_cpu().description]
    if name == "tensorflow":
        parts.append(f"oneDNN {describe_onednn()}")
    parts += _accelerators(devices() if name in sys.modules else None)
    versions = [
        f"{package} {package_version(package) or 'not installed'}"
        for package in (name, "keras")
    ]
    return "; ".join([*parts, ", ".join(versions)])


def advice_on_not_finite() -> str:
    """Says what else to do about numbers that are not finite; names the machine."""
    retry = ""
    if backend() == "tensorflow" and onednn_is_on() and not _accelerators(devices()):
        retry = "set TF_ENABLE_ONEDNN_OPTS=0 and try again, and "
    return (
        f"If that does not help, {retry}report it with what 'zonekeras version' "
        f"prints. Machine: {describe_machine()}."
    )


def bfloat16_drawback() -> str | None:
    """Says why bfloat16 is slower than float32 here; imports the backend.

    Returns:
        None if it is faster as far as is known: on an accelerator, on a CPU with
        bfloat16 instructions that are used, on an unknown CPU.
    """
    found = devices()
    if found is None or _accelerators(found):
        return None
    if backend() == "jax":
        return "JAX converts it to float32 and back on a CPU"
    cpu = this_cpu()
    if has_bfloat16_instructions() is None:
        return None
    if not has_bfloat16_instructions():
        sets = "avx512_bf16, amx_bf16 or, on ARM, bf16"
        return f"the CPU has no instructions for it, {sets} ({cpu.description})"
    if onednn_is_on() is False:
        return (
            "TensorFlow uses the CPU's instructions for it through oneDNN alone, which "
            f"is {describe_onednn()}"
        )
    return _limited_instructions(cpu)


def _limited_instructions(cpu: Cpu) -> str | None:
    """Says that oneDNN may not use the bfloat16 instructions of a CPU that has them."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    if "bf16" in (cpu.instruction_sets or ()) or limit not in _ISA_WITHOUT_BFLOAT16:
        return None
    kept = f"ONEDNN_MAX_CPU_ISA={limit} keeps oneDNN from the CPU's instructions for it"
    if limit in _ISA_BELOW_AVX512:
        return f"{kept}, and TensorFlow may be aborted; unset it"
    return f"{kept}; unset it"


def _backend_and_source() -> tuple[str, str]:
    if name := os.environ.get("KERAS_BACKEND"):
        return name, "KERAS_BACKEND"
    path = _keras_home() / "keras.json"
    try:
        return str(json.loads(path.read_text())["backend"]), str(path)
    except (OSError, ValueError, LookupError, TypeError):
        return "tensorflow", "Keras' default"


def _keras_home() -> Path:
    """Returns where Keras looks for its configuration."""
    if given := os.environ.get("KERAS_HOME"):
        return Path(given).expanduser()
    home = Path("~").expanduser()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"


def _tensorflow_devices() -> list[str]:
    import tensorflow as tf

    found = []
    for device in tf.config.list_physical_devices():
        name = device.name.removeprefix("/physical_device:")
        details = {}
        if device.device_type == "GPU":
            details = tf.config.experimental.get_device_details(device)
        model = details.get("device_name")
        found.append(f"{name} ({model})" if model else name)
    return found


def _accelerators(found: Sequence[str] | None) -> list[str]:
    """Returns the devices that are not CPUs, nor XLA's views of one."""
    return [name for name in found or () if not name.startswith(("CPU:", "XLA_CPU:"))]

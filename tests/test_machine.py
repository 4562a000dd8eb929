import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.backends import ON_TENSORFLOW, only_tensorflow
from zonekeras import machine
from zonekeras.cpu import Cpu

ROOT = Path(__file__).resolve().parents[1]
AVX2_ONLY = Cpu("Intel i7", ("fma", "avx2"))
ZEN_4 = Cpu("AMD EPYC", ("avx2", "avx512f", "avx512_vnni", "avx512_bf16"))
GRAVITON_3 = Cpu("Graviton", ("asimd", "i8mm", "bf16", "sve"))
NO_INSTRUCTIONS = (
    "the CPU has no instructions for it, avx512_bf16, amx_bf16 or, on ARM, bf16 "
    "(Intel i7, fma avx2)"
)
LIMITED = "ONEDNN_MAX_CPU_ISA={} keeps oneDNN from the CPU's instructions for it"


@pytest.fixture
def settings(monkeypatch):
    """Pretends to be on some machine; by default TensorFlow with oneDNN on Zen 4."""
    for name in (*machine.ONEDNN_VARIABLES, "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)

    def pretend(
        cpu=ZEN_4, onednn=True, devices=("CPU:0",), backend="tensorflow", **variables
    ):
        monkeypatch.setattr(machine, "this_cpu", lambda: cpu)
        monkeypatch.setattr(machine, "onednn_is_on", lambda: onednn)
        found = None if devices is None else list(devices)
        monkeypatch.setattr(machine, "devices", lambda: found)
        monkeypatch.setitem(sys.modules, backend, object())
        monkeypatch.setenv("KERAS_BACKEND", backend)
        monkeypatch.setattr(
            machine, "package_version", {"tensorflow": "2.1", "keras": "3.2"}.get
        )
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return pretend


def run_python(code, **environment):
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in machine.ONEDNN_VARIABLES
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_versions_are_those_of_the_metadata():
    assert machine.package_version("numpy") == metadata.version("numpy")
    assert machine.package_version("no-such-package") is None


def test_a_variant_of_tensorflow_counts_as_it(monkeypatch):
    def version(name):
        if name == "tensorflow-cpu":
            return "2.3"
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", version)
    assert machine.package_version("tensorflow") == "2.3 (tensorflow-cpu)"
    assert machine.package_version("keras") is None


@pytest.mark.parametrize(
    ("variable", "content", "expected"),
    [
        ("jax", {"backend": "torch"}, "jax (KERAS_BACKEND)"),
        ("", {"backend": "jax"}, "jax ({path})"),
        (None, {"backend": "jax"}, "jax ({path})"),
        (None, {"floatx": "float32"}, "tensorflow (Keras' default)"),
        (None, ["backend"], "tensorflow (Keras' default)"),
        (None, None, "tensorflow (Keras' default)"),
    ],
)
def test_the_backend_is_found_as_keras_finds_it(
    tmp_path, monkeypatch, variable, content, expected
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    path = tmp_path / "keras.json"
    if content is not None:
        path.write_text(json.dumps(content))
    assert machine.describe_backend() == expected.format(path=path)
    assert machine.backend() == expected.partition(" ")[0]


def test_a_damaged_file_of_keras_is_its_default(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    (tmp_path / "keras.json").write_text("{")
    assert machine.backend() == "tensorflow"


def test_the_running_backend_is_the_one_that_is_named():
    import keras

    assert machine.backend() == keras.backend.backend()


def test_looking_imports_nothing():
    code = (
        "import sys; from zonekeras import machine; "
        "machine.describe_machine(), machine.advice_on_not_finite(); "
        "machine.has_bfloat16_instructions(), machine.usable_cores(); "
        "print(machine.onednn_is_on(), "
        "*{'numpy', 'keras', 'tensorflow', 'jax'} & sys.modules.keys())"
    )
    assert run_python(code) == "None"


@only_tensorflow
@pytest.mark.parametrize(
    ("variable", "limit", "expected"),
    [("0", None, "off"), ("1", "AVX2", "on")],
)
def test_tensorflow_says_whether_onednn_is_on(variable, limit, expected):
    code = (
        "import tensorflow; from zonekeras import machine; "
        "print(machine.describe_onednn())"
    )
    given = {"TF_ENABLE_ONEDNN_OPTS": variable}
    if limit is not None:
        given["ONEDNN_MAX_CPU_ISA"] = limit
    variables = ", ".join(f"{name}={value}" for name, value in given.items())
    assert run_python(code, **given) == f"{expected} ({variables})"


def test_the_devices_are_the_backends():
    found = machine.devices()
    assert found
    assert found[0].startswith(("CPU:0", "GPU:0", "TPU:0"))


def test_a_backend_that_is_broken_has_no_devices(monkeypatch):
    name = "tensorflow" if ON_TENSORFLOW else "jax"
    monkeypatch.setitem(sys.modules, name, object())  # without any attribute
    monkeypatch.setenv("KERAS_BACKEND", name)
    assert machine.devices() is None
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert machine.devices() is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {},
            "AMD EPYC, avx2 avx512f avx512_vnni avx512_bf16; oneDNN on; "
            "tensorflow 2.1, keras 3.2",
        ),
        (
            {
                "cpu": Cpu(),
                "onednn": False,
                "devices": ["CPU:0", "GPU:0 (NVIDIA H200)"],
                "TF_ENABLE_ONEDNN_OPTS": "0",
            },
            "unknown CPU; oneDNN off (TF_ENABLE_ONEDNN_OPTS=0); GPU:0 (NVIDIA H200); "
            "tensorflow 2.1, keras 3.2",
        ),
        (
            {"backend": "jax", "cpu": AVX2_ONLY},
            "Intel i7, fma avx2; jax not installed, keras 3.2",
        ),
    ],
)
def test_the_machine_in_one_line(settings, given, expected):
    settings(**given)
    assert machine.describe_machine() == expected


@pytest.mark.parametrize(
    ("given", "asks_to_retry"),
    [
        ({}, True),
        ({"onednn": False}, False),
        ({"onednn": None}, False),
        ({"devices": ["CPU:0", "GPU:0"]}, False),
        ({"backend": "jax"}, False),
    ],
)
def test_onednn_is_switched_off_only_where_it_computes(settings, given, asks_to_retry):
    settings(**given)
    retry = "set TF_ENABLE_ONEDNN_OPTS=0 and try again, and " if asks_to_retry else ""
    assert machine.advice_on_not_finite() == (
        f"If that does not help, {retry}report it with what 'zonekeras version' "
        f"prints. Machine: {machine.describe_machine()}."
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"cpu": GRAVITON_3}, None),
        ({"cpu": Cpu()}, None),
        ({"cpu": AVX2_ONLY}, NO_INSTRUCTIONS),
        ({"cpu": AVX2_ONLY, "onednn": False}, NO_INSTRUCTIONS),
        ({"cpu": AVX2_ONLY, "devices": ["CPU:0", "GPU:0 (NVIDIA H200)"]}, None),
        ({"cpu": AVX2_ONLY, "devices": ["CPU:0", "TPU:0"]}, None),
        ({"cpu": AVX2_ONLY, "devices": None}, None),
        (
            {"onednn": False, "TF_ENABLE_ONEDNN_OPTS": "0"},
            "TensorFlow uses the CPU's instructions for it through oneDNN alone, which "
            "is off (TF_ENABLE_ONEDNN_OPTS=0)",
        ),
        (
            {"ONEDNN_MAX_CPU_ISA": "avx512_core"},
            f"{LIMITED.format('AVX512_CORE')}; unset it",
        ),
        (
            {"ONEDNN_MAX_CPU_ISA": "AVX2"},
            f"{LIMITED.format('AVX2')}, and TensorFlow may be aborted; unset it",
        ),
        ({"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}, None),
        ({"ONEDNN_MAX_CPU_ISA": "ALL"}, None),
        ({"cpu": GRAVITON_3, "ONEDNN_MAX_CPU_ISA": "AVX2"}, None),
        ({"backend": "jax"}, "JAX converts it to float32 and back on a CPU"),
        ({"backend": "jax", "devices": ["GPU:0"]}, None),
    ],
)
def test_where_bfloat16_is_slower(settings, given, expected):
    settings(**given)
    assert machine.bfloat16_drawback() == expected

"""Fixtures that all tests share; settings that have to stand before heavy imports."""

import gc
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keeps what is imported, half a million objects, out of searches for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def environment():
    """Keeps what commands set for TensorFlow from other modules' processes."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(scope="session")
def shared_dir():
    """The folder of real data and models beside the repository."""
    path = REPOSITORY.parent / "shared"
    if not path.is_dir():
        pytest.skip("needs ../shared (real data and models), which is not there")
    return path


@pytest.fixture(scope="module")
def models_are_loaded_once():
    """Commands that run in this process load equal files once a module."""
    from tests.loading_once import loaded_once

    with loaded_once():
        yield


@pytest.fixture
def run_cli(tmp_path):
    """Runs `zonekeras ARGUMENTS` as a process in an empty directory."""

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def reader():
    """A tiny reader with random weights; tests must leave nothing masked."""
    from tests.builders import tiny_model

    return tiny_model()


@pytest.fixture(scope="session")
def exported_reader(reader, tmp_path_factory):
    """The directory of `reader`, exported with every signature."""
    from tests.builders import READING
    from zonekeras.graph.options import AnswerOptions, ExportOptions

    directory = tmp_path_factory.mktemp("exported") / "tiny"
    answer = AnswerOptions(**READING)
    options = ExportOptions(answer, attention_layers=(0, 2), stateful=True)
    reader.export(directory, options)
    return directory


@pytest.fixture(scope="session")
def loaded_reader(exported_reader):
    """What TensorFlow loads of it; tests must leave nothing masked."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  # its operations

    return tf.saved_model.load(str(exported_reader / "1"))

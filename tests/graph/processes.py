"""Processes that never import TensorFlow, run from the tests."""

import pickle
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def run_module(name, *arguments):
    """Runs a module beside this one in a process of its own; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-u", "-m", f"tests.graph.{name}", *map(str, arguments)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def ask_by_c_api(saved_model, requests, folder):
    """Runs (signature, inputs) by `ask_by_c_api`; returns its two lists of outputs."""
    files = folder / "requests", folder / "answers"
    files[0].write_bytes(pickle.dumps(requests))
    run_module("ask_by_c_api", saved_model, *files)
    return pickle.loads(files[1].read_bytes())

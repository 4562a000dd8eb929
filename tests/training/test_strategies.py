"""Training on two replicas: what one device would do, in every way to run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import tiny_squad, write_json

pytestmark = [only_tensorflow, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a process with two logical devices found."""
    work = tmp_path_factory.mktemp("work")
    write_json(work / "train.json", tiny_squad(num_passages=3))
    write_json(work / "dev.json", tiny_squad(num_passages=2, seed=1))
    subprocess.run(
        [sys.executable, "-m", "tests.training.two_devices", str(work)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    return np.load(work / "steps.npz"), json.loads((work / "runs.json").read_text())


def part_of(steps, way):
    return {
        n.removeprefix(f"{way}/"): steps[n] for n in steps if n.startswith(f"{way}/")
    }


@pytest.mark.parametrize(
    ("way", "reference"),
    [
        ("mirrored", "one"),
        ("mirrored in parts", "one in parts"),
        ("mirrored, one shape", "one"),
    ],
)
def test_steps_are_those_of_one_device(found, way, reference):
    """Dropout included: the same units of the same windows."""
    steps, _ = found
    got, expected = part_of(steps, way), part_of(steps, reference)
    np.testing.assert_allclose(got["losses"], expected["losses"], rtol=1e-5)
    np.testing.assert_allclose(got["norms"], expected["norms"], rtol=1e-4)
    assert got.keys() == expected.keys()
    for name in expected:
        if name.startswith("mean/"):  # the gradients' running mean
            np.testing.assert_allclose(got[name], expected[name], atol=1e-5)
    assert got["stops"].tolist() == [False, True, False]
    assert got["traces"] == expected["traces"]


def test_dropout_tells_the_ways_apart(found):
    """The steps above would differ if replicas drew masks of their own."""
    steps, _ = found
    assert steps["one/losses"][0] != pytest.approx(steps["one in parts/losses"][0])


def test_a_run_is_that_of_one_device(found):
    _, runs = found
    one, mirrored = runs["one"], runs["mirrored"]
    np.testing.assert_allclose(mirrored["losses"], one["losses"], rtol=1e-3)
    assert mirrored["texts"] == one["texts"]


def test_a_run_goes_on_with_another_number_of_replicas(found):
    _, runs = found
    assert runs["stopped"] is None
    np.testing.assert_allclose(
        runs["went on"]["losses"], runs["one"]["losses"], rtol=1e-3
    )
    assert runs["went on"]["texts"] == runs["one"]["texts"]

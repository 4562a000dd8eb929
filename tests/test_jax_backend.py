"""The tests marked `both_backends` once more, on JAX and without TensorFlow.

    KERAS_BACKEND=jax pytest -n0 tests/layers

runs all of them that JAX can.
"""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MODULES = ["tests/layers", "tests/models/test_zone_model.py"]

# JAX compiles every operation for every shape and dtype: one mixed policy has to do.
SELECTION = ["-m", "both_backends", "-k", "not mixed_float16"]
OPTIONS = [*SELECTION, "-n0", "-q", "-p", "no:cacheprovider"]
FAST_TO_COMPILE = "--xla_backend_optimization_level=0"

# A machine that has JAX only: importing tensorflow fails there.
RUN = """
import sys
for name in ("tensorflow", "tensorflow_text"):
    sys.modules[name] = None
import keras, pytest
assert keras.backend.backend() == "jax"
status = pytest.main(sys.argv[1:])
assert not [name for name in sys.modules if name.startswith("tensorflow.")]
sys.exit(status)
"""


def test_the_layers_and_the_model_work_on_jax_without_tensorflow():
    result = subprocess.run(
        [sys.executable, "-c", RUN, *OPTIONS, *MODULES],
        cwd=REPOSITORY,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": FAST_TO_COMPILE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert " passed" in result.stdout

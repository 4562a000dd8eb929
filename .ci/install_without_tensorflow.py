"""Installs into the running Python what setup.cfg requires, but for TensorFlow.

    .venv-jax/bin/python .ci/install_without_tensorflow.py

KerasHub declares tensorflow-text, which brings TensorFlow: it is installed by itself,
and what else it declares with all the rest. No version stands here.
"""

import configparser
import importlib
import importlib.metadata
import importlib.util
import subprocess
import sys

KERASHUB = ("keras-nlp", "keras-hub")


def main() -> None:
    """Installs everything."""
    config = configparser.ConfigParser(interpolation=None)
    with open("setup.cfg", encoding="utf-8") as file:
        config.read_file(file)
    declared = config["options"]["install_requires"].split("\n")
    declared += config["options.extras_require"]["dev"].split("\n")
    wanted = [line for line in declared if line and not line.startswith("#")]
    pip("--no-deps", *(line for line in wanted if line.startswith(KERASHUB)))
    pip("--no-deps", *requirements_of("keras-nlp"))
    wanted += requirements_of("keras-hub")
    pip(*(line for line in wanted if not line.startswith((*KERASHUB, "tensorflow"))))
    importlib.invalidate_caches()
    if importlib.util.find_spec("tensorflow"):
        sys.exit("expected an environment without TensorFlow. Received: one with it.")


def requirements_of(package: str) -> list[str]:
    """Returns what an installed package declares, but for its extras."""
    importlib.invalidate_caches()
    declared = importlib.metadata.requires(package) or []
    return [line for line in declared if "extra ==" not in line]


def pip(*arguments: str) -> None:
    """Runs `pip install`; Python compiles what it imports, a part of it."""
    command = [sys.executable, "-m", "pip", "install", "-qq", "--no-compile"]
    command += arguments
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

"""The Dockerfile: its rules, its install steps, and what it copies."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.defpath}")
NOBODY = 65534


def instructions():
    """Reads the Dockerfile: instruction and argument, comments and breaks removed."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line.strip()]


def arguments(instruction):
    """The arguments of all instructions of one kind."""
    return [argument for name, argument in instructions() if name == instruction]


def install_step():
    """The shell line that installs."""
    [step] = [line for line in arguments("RUN") if "pip install" in line]
    return step


def copy_context(target):
    """Copies what the build would see: .dockerignore names all that it lets in."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert rules[-1] == "**/__pycache__"
    for rule in rules[1:-1]:
        source = ROOT / rule.removeprefix("!")
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / source.name, ignore=ignored)
        else:
            shutil.copy(source, target / source.name)


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_hadolint_has_nothing_to_say():
    done = subprocess.run(
        [HADOLINT, "--no-color", "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_a_user_without_rights():
    assert arguments("USER") == ["10001:10001"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(
        index for index, name in enumerate(names) if name in ("RUN", "COPY")
    )
    assert arguments("ENTRYPOINT") == ['["zonekeras"]']
    assert arguments("WORKDIR") == ["/data"]


def test_what_is_written_lands_in_tmp_or_in_the_volume():
    [environment] = arguments("ENV")
    folders = [
        value for value in re.findall(r"=(\S+)", environment) if value.startswith("/")
    ]
    assert len(folders) == 5
    assert all(re.match(r"/(tmp|data)(/|$)", folder) for folder in folders)


INSTALLED = {
    "cpu": ["install --no-cache-dir /src[gcs,report,serving]"],
    "gpu": ["install --no-cache-dir /src[gcs,gpu,report,serving]"],
    "tpu": [
        "install --no-cache-dir /src[gcs,report,serving]",
        "uninstall --yes tensorflow",
        "install --no-cache-dir tensorflow-tpu>=2.20,<2.21",
    ],
}


@pytest.mark.parametrize("accelerator", [*INSTALLED, "abacus"])
def test_what_is_installed_where(tmp_path, accelerator):
    pip = tmp_path / "pip"
    pip.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    pip.chmod(0o755)
    (tmp_path / "calls").touch()
    done = subprocess.run(
        ["/bin/sh", "-c", install_step()],
        env={"PATH": f"{tmp_path}:{os.defpath}", "ACCELERATOR": accelerator},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == INSTALLED.get(accelerator, [])
    if accelerator not in INSTALLED:
        assert done.returncode == 2
        assert done.stderr == (
            "expected ACCELERATOR=cpu, gpu or tpu. Received: abacus\n"
        )
    else:
        assert done.returncode == 0


def test_versions_are_those_of_the_package():
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    required = config["options"]["install_requires"].splitlines()
    [tensorflow] = [line for line in required if line.startswith("tensorflow>")]
    bounds = tensorflow.removeprefix("tensorflow")
    assert f'"tensorflow-tpu{bounds}"' in install_step()
    extras = config["options.extras_require"]
    assert extras["gpu"].strip() == f"tensorflow[and-cuda]{bounds}"
    assert {"gcs", "report", "serving"} <= set(extras)
    [version] = re.findall(r"^python:(\d+\.\d+)-", arguments("FROM")[0])
    assert config["options"]["python_requires"] == f">={version}"


def test_the_package_is_whole_in_the_image(tmp_path):
    copy_context(tmp_path)
    copied = {
        path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()
    }
    tracked = subprocess.run(
        [
            "git",
            "ls-files",
            "cli",
            "zonekeras",
            "setup.cfg",
            "pyproject.toml",
            "LICENSE",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert set(map(Path, tracked)) <= copied
    assert not [path for path in copied if path.suffix == ".pyc"]


@pytest.mark.slow
def test_its_install_steps_make_a_command_that_runs_without_rights():
    """What the image does, in a fresh environment; only the base image is missing."""
    # Not tmp_path, into which another user may not look.
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        copy_context_to = place / "src"
        copy_context_to.mkdir()
        copy_context(copy_context_to)
        venv.create(place / "venv", with_pip=True)
        path = f"{place / 'venv' / 'bin'}:{os.defpath}"
        subprocess.run(
            ["/bin/sh", "-c", install_step().replace("/src[", f"{place}/src[")],
            env={**os.environ, "PATH": path, "ACCELERATOR": "cpu"},
            check=True,
        )
        work = place / "work"
        work.mkdir(mode=0o777)
        work.chmod(0o777)
        environment = {
            "PATH": path,
            "HOME": str(work),
            "MPLCONFIGDIR": str(work),
            "KERAS_HOME": str(work),
        }
        as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        for command in (
            "finetune",
            "sweep",
            "report runs/demo",
            "export --model runs/demo/model --output_dir saved_models/demo",
        ):
            done = subprocess.run(
                ["zonekeras", *command.split()],
                cwd=work,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                **(as_nobody if os.geteuid() == 0 else {}),
            )
            assert done.returncode == 0, done.stderr
        assert (work / "runs" / "demo" / "report.html").exists()
        assert (work / "saved_models" / "demo" / "1" / "saved_model.pb").exists()

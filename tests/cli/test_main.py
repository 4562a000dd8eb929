import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import zonekeras
from cli import version_report
from cli.main import COMMANDS, main
from zonekeras import machine
from zonekeras.cpu import Cpu

REPOSITORY = Path(__file__).resolve().parents[2]


def test_without_arguments_the_commands_are_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("usage: zonekeras COMMAND [flags]\n")
    for name, line in COMMANDS.items():
        assert f"  {name} " in listed and f" {line}\n" in listed


def test_help_is_the_same_list(capsys):
    main([])
    listed = capsys.readouterr().out
    for spelling in ("--help", "-h", "help"):
        assert main([spelling]) == 0
        assert capsys.readouterr().out == listed


NAMES = ["python", "system", "tensorflow", "tensorflow-text", "keras", "keras-hub"]
NAMES += ["keras-nlp", "numpy", "backend", "CPU", "instructions", "usable cores"]
NAMES += ["oneDNN", "devices"]


@pytest.mark.parametrize("spelling", ["--version", "version"])
def test_the_version_is_all_that_a_report_of_a_bug_needs(run_cli, spelling):
    backend = "tensorflow" if spelling != "version" else "jax"
    names = list(NAMES)
    if backend == "jax":
        names.insert(names.index("backend"), "jax")
    result = run_cli(
        spelling,
        KERAS_BACKEND=backend,
        TF_ENABLE_ONEDNN_OPTS="0",
        TF_CPP_MIN_LOG_LEVEL="3",  # as commands set it themselves
    )
    assert (result.returncode, result.stderr) == (0, "")
    first, *lines = result.stdout.splitlines()
    assert first == f"zonekeras {zonekeras.__version__}"
    found = {line[:15].rstrip(): line[17:] for line in lines}
    assert list(found) == names
    assert {line[15:17] for line in lines} == {"  "}
    for name in ("tensorflow", "keras", "keras-hub", "numpy"):
        assert found[name] == metadata.version(name)
    assert found["backend"] == f"{backend} (KERAS_BACKEND)"
    assert found["oneDNN"] == "off (TF_ENABLE_ONEDNN_OPTS=0)"
    assert found["devices"].startswith("CPU:0")


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("raise ImportError('no\\nfile')", "ImportError: no"),
        ("raise RuntimeError", "RuntimeError: "),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_broken_tensorflow_is_what_the_version_says(
    run_cli, tmp_path, module, reason
):
    (tmp_path / "tensorflow.py").write_text(module)  # found before the installed one
    result = run_cli("--version", KERAS_BACKEND="tensorflow")
    assert (result.returncode, result.stderr) == (0, "")
    said = f"unknown, since tensorflow cannot be imported ({reason})"
    *_, onednn, devices = result.stdout.splitlines()
    assert (onednn, devices) == (f"oneDNN           {said}", f"devices          {said}")


@pytest.mark.parametrize("spelling", ["--version", "-V", "version"])
def test_what_is_not_installed_is_said(monkeypatch, capsys, spelling):
    monkeypatch.setattr(machine, "package_version", lambda name: None)
    monkeypatch.setattr(version_report, "this_cpu", Cpu)
    monkeypatch.setattr(machine, "usable_cores", lambda: None)
    monkeypatch.setattr(machine, "devices", lambda: None)
    monkeypatch.setattr(machine, "describe_onednn", lambda: "unknown")
    assert main([spelling]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "tensorflow       not installed" in lines
    assert lines[-5:] == [
        "CPU              unknown",
        "instructions     unknown",
        "usable cores     unknown",
        "oneDNN           unknown",
        "devices          unknown",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("swep", "unknown command 'swep'; did you mean sweep?"),
        ("xyz", f"unknown command 'xyz'; there are {', '.join(COMMANDS)}."),
        ("--sweep", "unknown command '--sweep'; did you mean sweep?"),
    ],
)
def test_an_unknown_command_costs_one_line(capsys, name, message):
    assert main([name]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"zonekeras: error: {message}\n"
    assert captured.out == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(run_cli, name):
    result = run_cli(name, "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"usage: zonekeras {name}")
    assert result.stderr == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_an_unknown_flag(run_cli, name):
    result = run_cli(name, "--xyzzy")
    assert result.returncode == 2
    assert result.stderr == (
        f"zonekeras {name}: error: unknown flag --xyzzy; "
        f"see 'zonekeras {name} --help'.\n"
    )


def test_a_reader_that_goes_away_is_not_an_error_message():
    command = f"{sys.executable} -m cli.main --help; echo $? >&2"
    result = subprocess.run(
        ["bash", "-c", f"({command}) | true"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr in ("141\n", "0\n")  # 0: all was written before it went

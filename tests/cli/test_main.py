import subprocess
import sys
from pathlib import Path

import pytest

import zonekeras
from cli.main import COMMANDS, main

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


def test_the_version_is_the_packages(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"zonekeras {zonekeras.__version__}\n"


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

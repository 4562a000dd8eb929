import ast
import subprocess
import sys
from pathlib import Path

import pytest

import zonekeras
from cli.main import COMMANDS

HEAVY = ("numpy", "pandas", "matplotlib", "keras", "tensorflow", "jax")


def loaded_after(statement):
    """Which heavy packages a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*({set(HEAVY)!r} & sys.modules.keys()))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_after("import zonekeras, zonekeras.plotting") == set()


@pytest.mark.parametrize("name", [*COMMANDS, "main"])
def test_importing_a_command_loads_nothing_heavy(name):
    module = name.replace("-", "_")
    assert loaded_after(f"import cli.{module}") == set()
    if name != "main":
        assert loaded_after(f"import cli.{module} as c; c.build_parser()") == set()


@pytest.mark.parametrize(
    "module",
    [
        "zonekeras.analysis.joining",
        "zonekeras.zones",
        "zonekeras.store.matrix",
        "zonekeras.store.protocol_csv",
        "zonekeras.statistics.groups",
        "zonekeras.statistics.simulation",
        "zonekeras.plotting.runs",
    ],
)
def test_results_and_plots_need_no_keras(module):
    assert loaded_after(f"import {module}") <= {"numpy", "pandas", "matplotlib"}


@pytest.mark.parametrize("name", zonekeras.__all__)
def test_every_public_name_is_there(name):
    assert getattr(zonekeras, name) is not None
    assert name in dir(zonekeras)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(
        AttributeError, match="^module 'zonekeras' has no attribute 'xyzzy'$"
    ):
        zonekeras.xyzzy  # noqa: B018


def test_a_function_is_not_hidden_by_a_module_of_its_name():
    code = (
        "import zonekeras.plotting.runs, zonekeras.plotting as p; "
        "assert all(callable(getattr(p, name)) for name in p.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("folder", ["benchmarks", "cli", "zonekeras"])
def test_functions_have_at_most_60_lines(folder):
    root = Path(__file__).parents[1]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = {
        f"{path.relative_to(root)}:{node.lineno} {node.name}": (
            node.end_lineno - node.lineno + 1
        )
        for path in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, kinds)
    }
    assert len(lengths) > 50
    assert {name: lines for name, lines in lengths.items() if lines > 60} == {}

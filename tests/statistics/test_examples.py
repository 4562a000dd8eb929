import doctest
import importlib
import pkgutil

import pytest

import zonekeras.statistics

MODULES = [
    module.name for module in pkgutil.iter_modules(zonekeras.statistics.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    module = importlib.import_module(f"zonekeras.statistics.{name}")
    assert doctest.testmod(module).failed == 0

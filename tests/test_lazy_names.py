import sys
import types

import pytest

import zonekeras.zones
from zonekeras.lazy_names import lazy_names

HOMES = {"Role": "zonekeras.zones", "zones": "zonekeras.zones"}


@pytest.fixture
def package(monkeypatch):
    """An empty module in the place of the package that has the names."""
    module = types.ModuleType("zonekeras")
    module.__path__ = zonekeras.__path__
    monkeypatch.setitem(sys.modules, "zonekeras", module)
    module.__getattr__ = lazy_names("zonekeras", HOMES)
    return module


def test_a_name_is_there_from_its_first_use_on(package):
    assert "Role" not in vars(package)
    assert package.Role.CLS == 1
    assert vars(package)["Role"] is package.Role


def test_a_name_can_be_a_module(package):
    assert package.zones is sys.modules["zonekeras.zones"]


def test_another_name_is_an_attribute_error(package):
    with pytest.raises(
        AttributeError, match="^module 'zonekeras' has no attribute 'xyzzy'$"
    ):
        package.xyzzy  # noqa: B018

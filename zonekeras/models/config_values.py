"""Reading a checkpoint's JSON configuration value by value, all faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json, shown
from zonekeras.limits import MOST_LAYERS
from zonekeras.setting_checks import is_number, is_whole

_MOST = 2**31 - 1
"""The side of an array, which has to be a whole number of 32 bits."""


class ConfigValues:
    """The values of a configuration file, checked as they are asked for.

    A fault is noted and a stand-in returned; `check` raises them all in one message,
    so it has to be called before the values are used.

    Args:
        path: The file, for the message.
        values: What it holds.
    """

    def __init__(self, path: Path, values: Mapping[str, Any]) -> None:
        """Starts without faults."""
        self.path = path
        self._values = values
        self._faults: list[str] = []
        self._num_refused = 0
        self._keys_at_fault: set[str] = set()

    @classmethod
    def from_file(cls, path: Path) -> ConfigValues:
        """Reads a JSON file.

        Raises:
            InputError: If it cannot be read or is not one JSON object.
        """
        values = read_json(path)
        if not isinstance(values, dict):
            raise InputError(
                f"{path}: expected one JSON object. Received: {shown(values)}. Use "
                "the configuration that came with the model."
            )
        return cls(path, values)

    def get(self, key: str, default: Any = None) -> Any:
        """Returns a value as it is; `null` counts as not given."""
        value = self._values.get(key)
        return default if value is None else value

    def size(self, key: str, default: int | None = None, least: int = 1) -> int:
        """Returns a whole number of at least `least`."""
        value = self.get(key, default)
        if not is_whole(value) or value < least:
            self.fault(key, f"a whole number of at least {least}")
            return max(least, 1)
        if value > _MOST:
            self.fault(key, f"a whole number of at most {_MOST:,}")
            return max(least, 1)
        return value

    def layers(self, key: str, default: int | None = None) -> int:
        """Returns how often something is repeated, layers or parts of them."""
        value = self.size(key, default)
        if value > MOST_LAYERS:
            self.fault(key, f"a whole number of at most {MOST_LAYERS:,}")
            return 1
        return value

    def share(self, key: str, default: float) -> float:
        """Returns a number from 0 to less than 1."""
        return self._number(key, default, "a number from 0 to less than 1", 0.0, 1.0)

    def small(self, key: str, default: float) -> float:
        """Returns a number above 0 and below 1."""
        least = 5e-324  # the smallest number above 0
        return self._number(key, default, "a number above 0, below 1", least, 1.0)

    def choice(self, key: str, default: str, choices: Mapping[str, str]) -> str:
        """Returns what a name stands for."""
        value = self.get(key, default)
        if not isinstance(value, str) or value not in choices:
            self.fault(key, "one of " + ", ".join(choices))
            return next(iter(choices.values()))
        return choices[value]

    def refuse(self, key: str, allowed: Any, why: str) -> None:
        """Notes a fault unless a value is absent, empty or the one allowed."""
        value = self.get(key, allowed)
        if value != allowed and value not in ([], {}):
            self._faults.append(f"{key} = {shown(value)}, {why}")
            self._num_refused += 1

    def divides(self, key: str, divisor: int, whole_key: str, whole: int) -> None:
        """Notes a fault unless one size is a multiple of another."""
        if whole % divisor and not self.has_fault(key, whole_key):
            self._faults.append(
                f"{whole_key} = {whole}, not a multiple of {key} = {divisor}"
            )

    def fault(self, key: str, expected: str) -> None:
        """Notes that a value is missing or wrong."""
        self._keys_at_fault.add(key)
        if self.get(key) is None:
            self._faults.append(f"no {key}, {expected}")
        else:
            self._faults.append(f"{key} = {shown(self.get(key))}, not {expected}")

    def has_fault(self, *keys: str) -> bool:
        """Says whether any of these values is a stand-in, and nothing to compare."""
        return not self._keys_at_fault.isdisjoint(keys)

    def check(self) -> None:
        """Raises all faults noted so far.

        Raises:
            InputError: If there is one.
        """
        if self._faults:
            advice = "Use the configuration that came with the model."
            if self._num_refused == len(self._faults):
                advice = "Such a model cannot be run yet; use another one."
            raise InputError(
                f"{self.path}: expected the configuration of an encoder that "
                f"zonekeras can run. Received: {'; '.join(self._faults)}. {advice}"
            )

    def _number(
        self, key: str, default: float, expected: str, least: float, below: float
    ) -> float:
        value = self.get(key, default)
        if not is_number(value) or not least <= value < below:
            self.fault(key, expected)
            return default
        return float(value)

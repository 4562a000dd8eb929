"""What the CPU is and which instruction sets for neural networks it has.

Read from the system: `/proc/cpuinfo` on Linux, `sysctl` on macOS, nothing elsewhere. It
never fails: what cannot be read is None. How a framework uses the CPU is for `machine`
to say.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

INSTRUCTION_SETS = (
    "fma",
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_bf16",
    "asimd",
    "i8mm",
    "bf16",
    "sve",
)
"""Those that decide which kernels run, as Linux spells them; ARM's from `asimd` on."""

BFLOAT16_SETS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})

_CPUINFO = Path("/proc/cpuinfo")
_FLAGS = ("flags", "Features")  # on x86, on ARM
_SYSCTL = ("/usr/sbin/sysctl", "machdep.cpu.brand_string", "hw.optional")
_SYSCTL_NAMES = {
    "fma": "fma",
    "avx2_0": "avx2",
    "avx512f": "avx512f",
    "AdvSIMD": "asimd",
    "arm.AdvSIMD": "asimd",
    "arm.FEAT_I8MM": "i8mm",
    "arm.FEAT_BF16": "bf16",
}


@dataclass(frozen=True)
class Cpu:
    """A CPU.

    Attributes:
        name: As its maker calls it; None if unknown.
        instruction_sets: Those of `INSTRUCTION_SETS` that all cores have, in that
            order; None if unknown.
    """

    name: str | None = None
    instruction_sets: tuple[str, ...] | None = None

    @property
    def has_bfloat16(self) -> bool | None:
        """Whether it multiplies bfloat16 itself; None if unknown."""
        if self.instruction_sets is None:
            return None
        return not BFLOAT16_SETS.isdisjoint(self.instruction_sets)

    @property
    def description(self) -> str:
        """Name and instruction sets in one line."""
        if self.instruction_sets is None:
            return self.name or "unknown CPU"
        return f"{self.name or 'unknown CPU'}, {self.instructions}"

    @property
    def instructions(self) -> str:
        """The instruction sets in one line."""
        if self.instruction_sets is None:
            return "unknown"
        return " ".join(self.instruction_sets) or "none of those that matter"


@cache
def this_cpu() -> Cpu:
    """Returns the CPU of this machine; what cannot be read of it is None."""
    try:
        if sys.platform == "linux":
            return parse_cpuinfo(_CPUINFO.read_text(errors="replace"))
        if sys.platform == "darwin":
            done = subprocess.run(
                _SYSCTL, capture_output=True, text=True, timeout=5, check=False
            )
            return parse_sysctl(done.stdout)
    except (OSError, subprocess.SubprocessError, UnicodeError):
        pass
    return Cpu()


def parse_cpuinfo(text: str) -> Cpu:
    """Reads what Linux says of its CPUs, on x86 and on ARM.

    Args:
        text: Of `/proc/cpuinfo`.
    """
    fields = _fields(text)
    flags = [set(line.split()) for key in _FLAGS for line in fields.get(key, ())]
    return Cpu(
        name=_linux_name({key: values[0] for key, values in fields.items()}),
        instruction_sets=_known(set.intersection(*flags)) if flags else None,
    )


def parse_sysctl(text: str) -> Cpu:
    """Reads what macOS says of its CPU.

    Args:
        text: Lines `name: value`, of `machdep.cpu.brand_string` and `hw.optional`.
    """
    fields = {key: values[0] for key, values in _fields(text).items()}
    optional = "hw.optional."
    switches = {
        key.removeprefix(optional): value
        for key, value in fields.items()
        if key.startswith(optional)
    }
    found = {
        name for key, name in _SYSCTL_NAMES.items() if switches.get(key, "0") != "0"
    }
    return Cpu(
        name=fields.get("machdep.cpu.brand_string") or None,
        instruction_sets=_known(found) if switches else None,
    )


def _fields(text: str) -> dict[str, list[str]]:
    """Returns the values of each name, one for each core that has it."""
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), []).append(value.strip())
    return fields


def _linux_name(first: dict[str, str]) -> str | None:
    """Returns a core's name; ARM's cores have numbers in place of one."""
    if name := first.get("model name"):
        return " ".join(name.split())
    if "CPU implementer" in first:
        part = first.get("CPU part", "unknown")
        return f"ARM, implementer {first['CPU implementer']}, part {part}"
    return None


def _known(found: set[str]) -> tuple[str, ...]:
    """Returns those that matter, in their order."""
    return tuple(name for name in INSTRUCTION_SETS if name in found)

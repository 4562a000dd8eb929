import subprocess

import pytest

from zonekeras import cpu
from zonekeras.cpu import Cpu, parse_cpuinfo, parse_sysctl, this_cpu

# Excerpts: the lines and the flags that matter, and some that don't.
HASWELL = """\
processor	: 0
vendor_id	: GenuineIntel
model name	: Intel(R) Core(TM) i7-4770   CPU @ 3.40GHz
flags		: fpu sse sse2 ssse3 fma sse4_1 avx f16c bmi1 avx2 bmi2
bogomips	: 6784.72

processor	: 1
vendor_id	: GenuineIntel
model name	: Intel(R) Core(TM) i7-4770   CPU @ 3.40GHz
flags		: fpu sse sse2 ssse3 fma sse4_1 avx f16c bmi1 avx2 bmi2
"""
SAPPHIRE_RAPIDS = """\
processor	: 0
model name	: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags		: fpu fma avx2 avx512f avx512dq avx512bw avx_vnni avx512_bf16 avx512vbmi \
avx512_vnni amx_bf16 avx512_fp16 amx_tile amx_int8
"""
ZEN_4 = """\
processor	: 0
model name	: AMD EPYC 9R14
flags		: fpu fma avx2 avx512f avx512ifma avx512_bf16 avx512_vnni
"""
GRAVITON_3 = """\
processor	: 0
BogoMIPS	: 2100.00
Features	: fp asimd evtstrm aes fphp asimdhp asimddp sve svei8mm svebf16 i8mm bf16
CPU implementer	: 0x41
CPU architecture: 8
CPU part	: 0xd40

processor	: 1
Features	: fp asimd evtstrm aes fphp asimdhp asimddp sve svei8mm svebf16 i8mm bf16
CPU implementer	: 0x41
CPU part	: 0xd40
"""
APPLE_M2 = """\
machdep.cpu.brand_string: Apple M2
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_SME: 0
hw.optional.arm.AdvSIMD: 1
hw.optional.floatingpoint: 1
"""
INTEL_MAC = """\
machdep.cpu.brand_string: Intel(R) Core(TM) i5-8259U CPU @ 2.30GHz
hw.optional.fma: 1
hw.optional.avx2_0: 1
hw.optional.avx512f: 0
"""


@pytest.mark.parametrize(
    ("text", "name", "instructions", "has_bfloat16"),
    [
        (HASWELL, "Intel(R) Core(TM) i7-4770 CPU @ 3.40GHz", "fma avx2", False),
        (
            SAPPHIRE_RAPIDS,
            "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
            "fma avx2 avx_vnni avx512f avx512_vnni avx512_bf16 amx_tile amx_bf16",
            True,
        ),
        (ZEN_4, "AMD EPYC 9R14", "fma avx2 avx512f avx512_vnni avx512_bf16", True),
        (
            GRAVITON_3,
            "ARM, implementer 0x41, part 0xd40",
            "asimd i8mm bf16 sve",
            True,
        ),
    ],
)
def test_what_linux_says(text, name, instructions, has_bfloat16):
    found = parse_cpuinfo(text)
    assert found == Cpu(name, tuple(instructions.split()))
    assert found.instructions == instructions
    assert found.has_bfloat16 is has_bfloat16
    assert found.description == f"{name}, {instructions}"


@pytest.mark.parametrize(
    ("text", "name", "instructions", "has_bfloat16"),
    [
        (APPLE_M2, "Apple M2", "asimd i8mm bf16", True),
        (INTEL_MAC, "Intel(R) Core(TM) i5-8259U CPU @ 2.30GHz", "fma avx2", False),
    ],
)
def test_what_macos_says(text, name, instructions, has_bfloat16):
    found = parse_sysctl(text)
    assert (found.name, found.instructions) == (name, instructions)
    assert found.has_bfloat16 is has_bfloat16


@pytest.mark.parametrize("parse", [parse_cpuinfo, parse_sysctl])
@pytest.mark.parametrize("text", ["", "\n\n", "nothing known here\n", "processor: 0\n"])
def test_what_says_nothing_is_unknown(parse, text):
    found = parse(text)
    assert found == Cpu(None, None)
    assert found.has_bfloat16 is None
    assert (found.description, found.instructions) == ("unknown CPU", "unknown")


def test_a_cpu_without_any_of_the_sets_is_known():
    found = parse_cpuinfo("model name : Old\nflags : fpu sse\n")
    assert found == Cpu("Old", ())
    assert found.has_bfloat16 is False
    assert found.description == "Old, none of those that matter"


def test_only_what_all_cores_have_counts():
    cores = "Features : asimd bf16\n\nFeatures : asimd\n"
    assert parse_cpuinfo(cores).instruction_sets == ("asimd",)


@pytest.fixture
def uncached():
    this_cpu.cache_clear()
    yield
    this_cpu.cache_clear()


def test_linux_is_asked_for_a_file(tmp_path, monkeypatch, uncached):
    path = tmp_path / "cpuinfo"
    path.write_text(ZEN_4)
    monkeypatch.setattr(cpu.sys, "platform", "linux")
    monkeypatch.setattr(cpu, "_CPUINFO", path)
    assert this_cpu().name == "AMD EPYC 9R14"


def test_a_file_that_is_missing_fails_nothing(tmp_path, monkeypatch, uncached):
    monkeypatch.setattr(cpu.sys, "platform", "linux")
    monkeypatch.setattr(cpu, "_CPUINFO", tmp_path / "missing")
    assert this_cpu() == Cpu()


def test_macos_is_asked_for_a_program(monkeypatch, uncached):
    def run(command, **_):
        assert command[1:] == ("machdep.cpu.brand_string", "hw.optional")
        return subprocess.CompletedProcess(command, 0, APPLE_M2, "")

    monkeypatch.setattr(cpu.sys, "platform", "darwin")
    monkeypatch.setattr(cpu.subprocess, "run", run)
    assert this_cpu().name == "Apple M2"


@pytest.mark.parametrize(
    "error", [FileNotFoundError(), subprocess.TimeoutExpired("sysctl", 5)]
)
def test_a_program_that_fails_fails_nothing(monkeypatch, uncached, error):
    def run(command, **_):
        raise error

    monkeypatch.setattr(cpu.sys, "platform", "darwin")
    monkeypatch.setattr(cpu.subprocess, "run", run)
    assert this_cpu() == Cpu()


def test_other_systems_are_unknown(monkeypatch, uncached):
    monkeypatch.setattr(cpu.sys, "platform", "win32")
    assert this_cpu() == Cpu()

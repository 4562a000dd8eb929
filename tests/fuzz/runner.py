"""Runs a command on inputs of which one is damaged, and judges how it ends.

    python -m tests.fuzz.runner --cases 3000 --seed 7     thousands, by hand
    python -m tests.fuzz.runner --cases 1 --seed 4711     one case again

Everything happens in a directory of its own below the system's temporary one; commands
get paths in it alone, and no device is ever opened. A case may end well (the damage
does not matter), or with one line and exit code 2, or 1 where the machine refuses.
"""

import argparse
import contextlib
import importlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.commands import COMMANDS
from tests.fuzz.mutators import mutators_of

SECONDS = 180
MOST_NEW_BYTES = 1 << 31


class Outcome(NamedTuple):
    """How a case ended.

    Attributes:
        case: What was damaged, how, and the command.
        code: The exit code; None where it did not end by itself.
        output: What it wrote to standard output.
        errors: What it wrote to standard error, with a traceback if there was one.
        faults: What is wrong with that; nothing if all is well.
    """

    case: str
    code: int | None
    output: str
    errors: str
    faults: list[str]


class Hang(BaseException):
    """A command that did not end in time."""


def run_case(seeds, number):
    """Runs one case in a copy of the seeds; the number decides all of it."""
    generator = random.Random(number)
    command = generator.choices(COMMANDS, [one.weight for one in COMMANDS])[0]
    name = generator.choice(command.reads)
    check_inside(command.words)
    with tempfile.TemporaryDirectory(prefix="zonekeras-fuzz-") as folder:
        place = Path(folder) / "work"
        shutil.copytree(seeds, place)
        mutate = generator.choice(mutators_of(place / name))
        mutate(place / name, generator)
        case = f"{number}: {mutate.__name__} {name}: {' '.join(command.words)}"
        return judge(command, place, case)


def judge(command, place, case):
    """Runs a command in a directory and says what is wrong with how it ends."""
    made = [name for name in command.makes if not (place / name).exists()]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code, output, errors = _run(command.words, place)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory)
    faults = []
    if code not in (0, 1, 2):
        faults.append("a traceback" if code is None else f"exit code {code}")
    lines = errors.splitlines()
    said = [line for line in lines if ": error: " in line]
    if code in (1, 2) and (len(said) != 1 or lines[-1] != said[0]):
        faults.append(f"{len(said)} lines of error instead of one, the last")
    others = [line for line in lines if not _is_expected(line, command.words[0])]
    if others:
        faults.append(f"other lines: {others[:3]}")
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in output + errors):
        faults.append("control characters")
    if code in (1, 2):
        faults += [f"{name} was left" for name in made if (place / name).exists()]
    if grown > MOST_NEW_BYTES:
        faults.append(f"{grown:,} bytes of memory")
    return Outcome(case, code, output, errors, faults)


def check_inside(words):
    """Refuses to run a command with a path outside of its directory."""
    for word in words:
        path = word.partition("=")[2] or word
        if path.startswith(("/", "~", "-/")) or ".." in path:
            raise ValueError(f"{word} leads out of the directory of a case")


def _is_expected(line, command):
    """Says whether a line is a command's own: an error, a warning, or progress."""
    prefix = f"zonekeras {command}: "
    progress = (" windows x ", " windows, ", "step ", "left")
    return line.startswith(prefix) or any(part in line for part in progress)


def _run(words, place):
    """Runs a command in this process; returns its code and what it wrote."""
    main = importlib.import_module(f"cli.{words[0].replace('-', '_')}").main
    output, errors = io.StringIO(), io.StringIO()
    before = os.getcwd()
    handler = signal.signal(signal.SIGALRM, _hang)
    signal.alarm(SECONDS)
    os.chdir(place)
    try:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("default")
            for hidden in (DeprecationWarning, PendingDeprecationWarning):
                warnings.simplefilter("ignore", hidden)
            warnings.simplefilter("ignore", ResourceWarning)
            code = main(list(words[1:]))
    except Hang:
        code = None
        errors.write(f"did not end within {SECONDS} s")
    except BaseException:
        code = None
        errors.write(traceback.format_exc())
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        os.chdir(before)
    return code, output.getvalue(), errors.getvalue()


def _hang(number, frame):
    raise Hang


def main():
    """Runs many cases and prints those that did not end as they should."""
    from tests.fuzz.seeds import make_seeds

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="the first case's number")
    parser.add_argument("--only", default="", help="commands that begin with this")
    flags = parser.parse_args()
    if flags.only:
        COMMANDS[:] = [one for one in COMMANDS if one.words[0].startswith(flags.only)]
    num_bad = 0
    with tempfile.TemporaryDirectory(prefix="zonekeras-fuzz-") as folder:
        make_seeds(folder)
        for number in range(flags.seed, flags.seed + flags.cases):
            outcome = run_case(folder, number)
            if outcome.faults:
                num_bad += 1
                print(f"{outcome.case}\n  {'; '.join(outcome.faults)}")
                print(f"  {outcome.errors[-1500:]}", flush=True)
    print(f"{num_bad} of {flags.cases} cases did not end as they should")
    return bool(num_bad)


if __name__ == "__main__":
    sys.exit(main())

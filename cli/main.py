"""The console script `zonekeras`: finds the command that is asked for and runs it.

The commands are listed here by name, so that listing them imports none of them.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence

from cli.interrupts import EXIT_INTERRUPTED, end_at_once
from cli.running import EXIT_BAD_INPUT, EXIT_OK, run_command

COMMANDS = {
    "finetune": "train a reader on a SQuAD-format file",
    "sweep": "mask every zone in every layer and score the model each time",
    "results": "list and export what a sweep's directory holds; merge shards",
    "gradients": "estimate what each zone is worth from a few passes",
    "compare": "compare the effects of two sweeps, or of two groups of them",
    "evaluate": "score predictions exactly as the official scripts do",
    "collect": "make results.csv from a directory of predictions",
    "plot": "draw the heatmap of a sweep's results",
    "report": "write one page in which a sweep can be explored",
    "verify": "check that a sweep finds what is there, and nothing else",
    "export": "write a SavedModel that answers questions under masks by itself",
    "serve-config": "write what TensorFlow Serving needs to serve a model",
    "download": "get the protocol's data and checkpoints from their addresses",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `zonekeras COMMAND ...` and returns the exit code."""
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:  # before the command had begun, or after its end
        print("zonekeras: interrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    if argv is None:
        end_at_once("zonekeras", code)
    return code


def _run(arguments: Sequence[str]) -> int:
    """Finds the command and runs it."""
    name = arguments[0] if arguments else "--help"
    if name in COMMANDS:
        module = importlib.import_module(f"cli.{name.replace('-', '_')}")
        return int(module.main(arguments[1:]))
    return run_command(_main, [name], "zonekeras")


def _main(arguments: Sequence[str]) -> int:
    """Answers what needs no command: help, the version, a name nobody knows."""
    [name] = arguments
    if name in ("-h", "--help", "-help", "help"):
        print(_help())
        return EXIT_OK
    if name in ("-V", "--version", "-version", "version"):
        from cli.version_report import print_versions

        print_versions()
        return EXIT_OK
    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(COMMANDS)}."
    print(f"zonekeras: error: unknown command {name!r}; {hint}", file=sys.stderr)
    return EXIT_BAD_INPUT


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {line}" for name, line in COMMANDS.items()]
    return "\n".join(
        [
            "usage: zonekeras COMMAND [flags]",
            "",
            "Which attention, in which layer, does a reader's answer depend on?",
            "",
            *lines,
            "",
            "'zonekeras COMMAND --help' explains a command; 'zonekeras --version' says",
            "what a report of a bug needs: versions, the CPU, devices.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

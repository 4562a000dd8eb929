"""`zonekeras report`: one HTML file in which a sweep can be explored."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.parsing import CommandParser
from cli.remote_paths import LocalPaths, local_paths
from cli.running import run_command
from cli.value_types import updated_dir
from zonekeras.errors import InputError

if TYPE_CHECKING:
    from zonekeras.reporting import Report

PROG = "zonekeras report"

EPILOG = """\
examples:
  $ zonekeras report runs/demo
  wrote runs/demo/report.html (1.6 MB): 16 configurations, 600 questions
  $ zonekeras report runs/demo --run 3f1c                 another run of that store
  $ zonekeras report runs/seeds                           several runs: their means, and
                                                          a page for each

It needs sweep.sqlite alone. The page opens without a network: the heatmap with
intervals and tests; for each cell the questions that broke or were repaired, with the
answers before and after in their passage; effects by type of question; what was run.
'zonekeras results OUT' lists the runs of a store. The charts need Bokeh:
  $ pip install 'zonekeras[report]'
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Write OUT/report.html, one self-contained page to explore a "
        "sweep in.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "directory", metavar="OUT", type=updated_dir, help="a sweep's --output_dir"
    )
    parser.add_argument(
        "--run",
        metavar="KEY",
        help="which run, by the first digits of its key (unset: the one whose files "
        "are in OUT, else the latest)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    with local_paths(build_parser().parse_args(argv)) as local:
        lines = _write(local)
    print("\n".join(map(local.named, lines)))


def _write(local: LocalPaths) -> list[str]:
    """Writes the page, or those of several runs, and says so."""
    from zonekeras.analysis.folders import run_folders
    from zonekeras.reporting import write_report, write_runs_report
    from zonekeras.store.sweep_store import STORE_FILE

    arguments = local.arguments
    directory = Path(arguments.directory)
    if (directory / STORE_FILE).exists() or run_folders(directory) is None:
        return [_line(write_report(directory, arguments.run))]
    if arguments.run is not None:
        raise InputError(
            "expected --run with the directory of one sweep. Received: "
            f"{directory}, which has several; give one of its folders."
        )
    written = write_runs_report(directory)
    return [
        *map(_line, written.reports),
        f"wrote {written.path} ({written.num_bytes / 1e6:.1f} MB): "
        f"{len(written.reports)} runs",
    ]


def _line(report: Report) -> str:
    return (
        f"wrote {report.path} ({report.num_bytes / 1e6:.1f} MB): "
        f"{report.num_configurations:,} configurations, "
        f"{report.num_questions:,} {report.items}"
    )


if __name__ == "__main__":
    sys.exit(main())

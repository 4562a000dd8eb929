"""`zonekeras download`: the protocol's data and checkpoints, from their addresses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.parsing import CommandParser
from cli.remote_paths import local_paths
from cli.running import run_command
from cli.value_types import output_dir

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PROG = "zonekeras download"
NAMES = ("squad", "squad2", "cmrc2018", "bert_base_cased", "bert_base_chinese")
DEFAULT_PARENT = "downloads"

EPILOG = """\
names:
  squad              SQuAD 1.1: train-v1.1.json, dev-v1.1.json (35 MB)
  squad2             SQuAD 2.0: train-v2.0.json, dev-v2.0.json (46 MB)
  cmrc2018           CMRC 2018 in SQuAD's form: train, dev and trial
  bert_base_cased    BERT-Base, cased, 12 layers: its TF1 checkpoint (about 400 MB)
  bert_base_chinese  BERT-Base, Chinese, 12 layers: likewise

A download that was cut goes on where it stopped when the command is given again. Files
that are there are checked and kept. The SQuAD files must have the known SHA-256; for
the others none is published: what came is printed and kept in download.json.

examples:
  $ zonekeras download squad
  downloads/squad/train-v1.1.json: SHA-256 35276639... as published
  downloads/squad/dev-v1.1.json: SHA-256 95aa6a52... as published
  $ zonekeras download bert_base_cased --output_dir saved_models/bert_base_cased
"""

Report = Callable[[str, int, int | None], None]


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Download a data set or a checkpoint from its official address.",
        epilog=EPILOG,
    )
    parser.add_argument("name", metavar="NAME", choices=NAMES, help="what to download")
    parser.add_argument(
        "--output_dir",
        metavar="DIR",
        type=output_dir,
        help=f"where to put it (unset: {DEFAULT_PARENT}/NAME)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    arguments = build_parser().parse_args(argv)

    from zonekeras.downloading.downloads import download

    with local_paths(arguments) as local:
        default = Path(DEFAULT_PARENT) / arguments.name
        folder = local.arguments.output_dir or default
        with _progress() as report:
            files = download(arguments.name, folder, on_progress=report)
    for file in files:
        found = "as published" if file.is_published else "none is published"
        kept = "; was there" if file.was_there else ""
        path = local.named(str(file.path))
        print(f"{path}: SHA-256 {file.sha256}, {found}{kept}")


@contextmanager
def _progress() -> Iterator[Report]:
    """Shows bars on a terminal, a line for each tenth of a file elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from cli.terminal import make_console

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=make_console(sys.stderr),
    ) as progress:
        yield _Bars(progress)


class _Bars:
    """Draws a bar for each file."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Draws where a file is."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=done, total=total)


class _Lines:
    """Prints a line for each tenth of a file."""

    def __init__(self) -> None:
        self._last: tuple[str, int] = ("", -1)

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Prints where a file is, if that is news."""
        tenths = 10 * done // total if total else 0
        if (name, tenths) != self._last:
            self._last = (name, tenths)
            of_total = f" of {total:,}" if total else ""
            print(f"{name}: {done:,}{of_total} bytes", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

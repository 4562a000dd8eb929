"""A sweep's directory in, its `report.html` out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zonekeras.analysis.joining import join_runs, read_runs
from zonekeras.analysis.merge import open_existing
from zonekeras.analysis.selection import choose_run
from zonekeras.files.atomic import atomic_write
from zonekeras.reporting.page import build_page, items_of
from zonekeras.reporting.payload import build_payload
from zonekeras.reporting.record import read_run_record
from zonekeras.reporting.runs_page import build_runs_page
from zonekeras.reporting.runs_tab import runs_payload

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        path: The page.
        num_bytes: Its size.
        run: The key of the run that it shows.
        num_configurations: How many the run has, the baseline among them.
        num_questions: How many the run answered.
        items: What these are: `questions`, `texts` or `pairs`.
    """

    path: Path
    num_bytes: int
    run: str
    num_configurations: int
    num_questions: int
    items: str


def write_report(
    directory: str | os.PathLike[str],
    run: str | None = None,
    runs: dict[str, Any] | None = None,
) -> Report:
    """Writes the explorer of a sweep into its directory, whole or not at all.

    The same store gives the same bytes.

    Args:
        directory: A sweep's output directory. Only its `sweep.sqlite` is needed;
            `run.json` is shown if it is there.
        run: The first digits of a run's key, where the store has several. By default
            the one whose files are in the directory, else the latest.
        runs: What is said of several runs of which it is one (`reporting.runs_tab`).

    Raises:
        InputError: If there is no store, no such run, the run is not finished or
            masked nothing, or the charting library is not installed.
        OSError: If the page cannot be written.
    """
    source = Path(directory)
    with open_existing(source) as store:
        number = choose_run(store, source, run)
        record = read_run_record(source, store, number)
        payload = build_payload(store, number, record, runs)
        key = store.key(number)
    page = build_page(payload)
    atomic_write(source / REPORT_FILE, page)
    return Report(
        path=source / REPORT_FILE,
        num_bytes=len(page),
        run=key,
        num_configurations=1 + len(payload["configurations"]),
        num_questions=len(payload["questions"]["id"]),
        items=items_of(payload),
    )


@dataclass(frozen=True)
class RunsReport:
    """What was written of several runs.

    Attributes:
        path: The page of their means.
        num_bytes: Its size.
        reports: The pages of the runs.
    """

    path: Path
    num_bytes: int
    reports: tuple[Report, ...]


def write_runs_report(directory: str | os.PathLike[str]) -> RunsReport:
    """Writes a page of means into a directory of several runs, and each run's explorer.

    Args:
        directory: The output directory of several sweeps.

    Raises:
        InputError: If a run is missing or not finished, they cannot be joined, or the
            charting library is not installed.
        OSError: If a page cannot be written.
    """
    source = Path(directory)
    result = join_runs(read_runs(source))
    reports = tuple(
        write_report(source / name, runs=runs_payload(result, name, REPORT_FILE))
        for name in result.names
    )
    page = build_runs_page(result, REPORT_FILE)
    atomic_write(source / REPORT_FILE, page)
    return RunsReport(source / REPORT_FILE, len(page), reports)

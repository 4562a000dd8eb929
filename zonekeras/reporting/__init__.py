"""The explorer: one HTML file that shows a sweep, made from its store alone.

`write_report` is the entry. The page is self-contained: data, style, script and the
charting library (Bokeh's JavaScript, extra `report`) are in it, and a policy in the
page forbids it to fetch anything. `write_runs_report` does so for each of several runs,
with a page of their means before them. No Keras.
"""

from zonekeras.reporting.report import (
    REPORT_FILE,
    Report,
    RunsReport,
    write_report,
    write_runs_report,
)

__all__ = [
    "REPORT_FILE",
    "Report",
    "RunsReport",
    "write_report",
    "write_runs_report",
]

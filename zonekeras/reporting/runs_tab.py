"""What the page of one of several runs says about the others."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from zonekeras.analysis.joining import RunsResult
from zonekeras.reporting.json_numbers import number

_OF_EFFECT = ("effect", "deviation", "low", "high", "p", "q")


def runs_payload(result: RunsResult, name: str, report_file: str) -> dict[str, Any]:
    """Returns joined runs as the page of one of them shows them, as JSON values.

    Args:
        result: The joined runs.
        name: The run whose page it is.
        report_file: The name of each run's page, in the run's folder, and of the page
            of means above the folders.

    Returns:
        `here`, the run's number; `names` and `links` of all; `means`, a link to their
        page; `scores`: score -> each run's with nothing masked; `configurations`: what
        all runs masked -> score -> its mean `effect`, `deviation`, `low`, `high`, `p`,
        `q`, and `runs`, each run's effect. None for what is not known.
    """
    by_run = result.runs.set_index("configuration").groupby("run")
    runs = [by_run.get_group(one) for one in result.names]
    return {
        "here": result.names.index(name),
        "names": result.names,
        "links": [f"../{quote(one)}/{report_file}" for one in result.names],
        "means": f"../{report_file}",
        "scores": {
            str(score): [number(run[f"baseline_{score}"].iloc[0]) for run in runs]
            for score in result.scores
        },
        "configurations": {
            row["configuration"]: {
                str(score): {
                    **{one: number(row[f"{score}_{one}"]) for one in _OF_EFFECT},
                    "runs": [
                        number(run.loc[row["configuration"], f"{score}_effect"])
                        for run in runs
                    ],
                }
                for score in result.scores
            }
            for row in result.table.iloc[1:].to_dict("records")
        },
    }

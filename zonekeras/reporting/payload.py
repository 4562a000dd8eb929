"""All that a report shows, as JSON values: the contract between Python and the page.

Items with their texts and gold answers are there once, in the form of their task
(`reporting.task_pages`); of a configuration only the answers that differ from the
baseline's. Positions are Unicode characters, as everywhere in this package; the page
converts them. A page of one `FORMAT` reads data of that format; new keys may be added
without changing it. Controls are not among the configurations: what is known of them
stands with the cells (`reporting.control_payload`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from zonekeras.analysis.output import SweepOutput
from zonekeras.analysis.run_task import dataset_of, task_name_of, task_of
from zonekeras.reporting.answers import SHARE_UNITS, changed_questions
from zonekeras.reporting.attention_payload import attention_payload
from zonekeras.reporting.control_payload import control_payload
from zonekeras.reporting.json_numbers import number
from zonekeras.reporting.sets import set_payload
from zonekeras.reporting.task_pages import page_of
from zonekeras.statistics.scores import ItemScores
from zonekeras.store.sweep_store import StoredAnswer, SweepStore
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE, ZONE_LABEL, zones_of
from zonekeras.tasks.names import TaskName
from zonekeras.zones import BASELINE, parse_configuration

FORMAT = 1
_STATISTICS = ("effect", "low", "high", "p", "q", "detectable")


def build_payload(
    store: SweepStore,
    run: int,
    record: dict[str, Any],
    runs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns what the page of a finished run holds.

    Args:
        store: The store.
        run: The run's number in it.
        record: What else is known of how it was started (`run.json`).
        runs: What is said of several runs of which it is one (`reporting.runs_tab`).

    Raises:
        InputError: If there is no page for the run's task.
    """
    task_name = task_name_of(store, run)
    page = page_of(task_name)
    task, dataset = task_of(store, run), dataset_of(store, run)
    labels = task.zone_labels(dataset)
    description = store.description(run)
    content = store.content(run)
    result = SweepOutput(store, run, None).result()
    settings = content["settings"]
    names = list(result.predictions)
    baseline = result.scores.take(names.index(BASELINE))
    masked = np.flatnonzero(
        [name != BASELINE and not parse_configuration(name).control for name in names]
    )
    baseline_answers = store.answers(run, BASELINE)
    everything = range(result.scores.num_items)
    zones = zones_of(result.table)
    columns = partial(page.answer_columns, dataset, settings)
    rows = {row["configuration"]: row for row in result.table.to_dict("records")}
    return {
        "format": FORMAT,
        "model": description["model"],
        "dataset": rows[BASELINE]["dataset"],
        "semantics": settings["semantics"],
        "metric": page.metric(dataset, description["metric"]),
        "num_layers": description["num_layers"],
        "zones": [labels.get(zone, str(zone)) for zone in zones],
        "f1_units": SHARE_UNITS,
        "false_discovery_rate": FALSE_DISCOVERY_RATE,
        "scores": dict(result.baseline.by_name),
        **page.items(dataset, settings),
        "baseline": columns(everything, baseline_answers, baseline),
        "configurations": [
            _configuration(
                rows[names[number]],
                columns,
                baseline_answers,
                store.answers(run, names[number]),
                result.scores.take(number),
            )
            for number in masked.tolist()
        ],
        "groups": page.groups(
            dataset, task.groups(dataset), baseline, result.scores.take(masked)
        ),
        "sets": set_payload(
            [names[number] for number in masked], description["num_layers"]
        ),
        "controls": control_payload(result.table),
        "attention": attention_payload(store, run, zones if labels else (), labels),
        "runs": runs,
        "run": {
            "key": store.key(run),
            "dataset": description["dataset"],
            "content": content,
            "record": record,
        },
        **({} if task_name == TaskName.SPAN else {"task": str(task_name)}),
    }


def _configuration(
    row: dict[Any, Any],
    columns: Callable[..., dict[str, Any]],
    baseline: Sequence[StoredAnswer],
    answers: Sequence[StoredAnswer],
    scores: ItemScores,
) -> dict[str, Any]:
    """Returns one configuration: its numbers, and the answers that it changed."""
    is_cell = isinstance(row["zone"], str)
    changed = changed_questions(baseline, answers)
    return {
        "name": row["configuration"],
        "layer": int(row["layer"]) if is_cell else None,
        "zone": row.get(ZONE_LABEL, row["zone"]) if is_cell else None,
        "broken": _count(row.get("broken")),
        "repaired": _count(row.get("repaired")),
        "mcnemar_p": number(row.get("mcnemar_p")),
        "scores": {
            score.name: {"score": row[score.name]}
            | {name: number(row[f"{score}_{name}"]) for name in _STATISTICS}
            for score in scores.scores
        },
        "answers": columns(changed, answers, scores),
    }


def _count(value: float | None) -> int | None:
    """Returns a count; None where no score is binary."""
    return None if value is None else int(value)

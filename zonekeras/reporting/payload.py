"""All that a report shows, as JSON values: the contract between Python and the page.

Items with their texts and gold answers are stored once, in the form of their task
(`reporting.task_pages`); of a configuration, only the answers that differ from the
baseline's. Positions are Unicode characters, as everywhere in this package; the page
converts them. A page of one `FORMAT` reads data of that format; new keys may be added
without changing it. Controls are not among the configurations; they stand with the
cells (`reporting.control_payload`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.analysis.result_reading import read_result
from zonekeras.analysis.run_task import dataset_of, task_name_of, task_of
from zonekeras.analysis.sweep_result import SweepResult
from zonekeras.reporting.answers import SHARE_UNITS, changed_questions
from zonekeras.reporting.attention_payload import attention_payload
from zonekeras.reporting.control_payload import control_payload
from zonekeras.reporting.json_numbers import number
from zonekeras.reporting.sets import set_payload
from zonekeras.reporting.task_pages import page_of
from zonekeras.statistics.scores import ItemScores
from zonekeras.store.places import place_in_words
from zonekeras.store.sweep_store import StoredAnswer, SweepStore
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE, ZONE_LABEL, zones_of
from zonekeras.task_table import TaskName
from zonekeras.zones import BASELINE, Zone, parse_configuration

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
    settings = store.content(run)["settings"]
    result = read_result(store, run)
    baseline = result.scores.take(0)
    baseline_answers = store.answers(run, BASELINE)
    zones = zones_of(result.table)
    columns = partial(page.answer_columns, dataset, settings)
    rows = result.table.to_dict("records")
    names = [row["configuration"] for row in rows]
    masked = _masked_rows(names)
    chosen = (
        (rows[row], store.answers(run, names[row]), result.scores.take(row))
        for row in masked.tolist()
    )
    return {
        "format": FORMAT,
        "model": description["model"],
        "dataset": rows[0]["dataset"],
        "semantics": settings["semantics"],
        "metric": page.metric(dataset, description["metric"]),
        "num_layers": description["num_layers"],
        **_of_result(result, zones, labels),
        **page.items(dataset, settings),
        "baseline": columns(range(baseline.num_items), baseline_answers, baseline),
        "configurations": [
            _configuration(row, columns, baseline_answers, answers, scores)
            for row, answers, scores in chosen
        ],
        "groups": page.groups(
            dataset, task.groups(dataset), baseline, result.scores.take(masked)
        ),
        "sets": set_payload([names[row] for row in masked], description["num_layers"]),
        "controls": control_payload(result.table),
        "attention": attention_payload(store, run, zones if labels else (), labels),
        "runs": runs,
        "run": _about_run(store, run, record),
        **({} if task_name == TaskName.SPAN else {"task": str(task_name)}),
    }


def _masked_rows(names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Returns which configurations, the baseline first, mask something themselves."""
    is_masked = [not parse_configuration(name).control for name in names[1:]]
    return 1 + np.flatnonzero(is_masked)


def _of_result(
    result: SweepResult, zones: Sequence[Zone], labels: Mapping[Zone, str]
) -> dict[str, Any]:
    """Returns what the whole sweep shows, and how the page is to show it."""
    return {
        "zones": [labels.get(zone, str(zone)) for zone in zones],
        "f1_units": SHARE_UNITS,
        "false_discovery_rate": FALSE_DISCOVERY_RATE,
        "scores": dict(result.baseline.by_name),
    }


def _about_run(store: SweepStore, run: int, record: dict[str, Any]) -> dict[str, Any]:
    """Returns what tells a run from others, and how it was started."""
    return {
        "key": store.key(run),
        "dataset": store.description(run)["dataset"],
        "content": store.content(run),
        "record": record,
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
        "place": place_in_words(row["layers"], row["head"]),
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

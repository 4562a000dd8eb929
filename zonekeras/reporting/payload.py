"""All that a report shows, as JSON values: the contract between Python and the page.

Passages, questions and gold answers are there once; of a configuration only the answers
that differ from the baseline's. Positions are Unicode characters, as everywhere in this
package; the page converts them. A page of one `FORMAT` reads data of that format; new
keys may be added without changing it. Controls are not among the configurations: what
is known of them stands with the cells (`reporting.control_payload`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zonekeras.analysis.result_reading import read_result
from zonekeras.analysis.run_task import dataset_of, task_name_of
from zonekeras.analysis.sweep_result import SweepResult
from zonekeras.data.squad import SquadDataset
from zonekeras.metrics import choose_metric
from zonekeras.reporting.answers import SHARE_UNITS, answer_columns, changed_questions
from zonekeras.reporting.attention_payload import attention_payload
from zonekeras.reporting.control_payload import control_payload
from zonekeras.reporting.groups import group_payload
from zonekeras.reporting.json_numbers import number
from zonekeras.reporting.sets import set_payload
from zonekeras.statistics.scores import ItemScores
from zonekeras.store.sweep_store import StoredAnswer, SweepStore
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE
from zonekeras.tasks.registry import check_is_span
from zonekeras.zones import BASELINE, parse_configuration, shown_zones

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
        InputError: If the run's task is another one than `span`.
    """
    check_is_span(task_name_of(store, run), "A report")
    dataset: SquadDataset = dataset_of(store, run)
    description = store.description(run)
    content = store.content(run)
    result = read_result(store, run)
    names = list(result.predictions)
    baseline = result.scores.take(names.index(BASELINE))
    masked = np.flatnonzero(
        [name != BASELINE and not parse_configuration(name).control for name in names]
    )
    baseline_answers = store.answers(run, BASELINE)
    everything = range(dataset.num_questions)
    rows = {row["configuration"]: row for row in result.table.to_dict("records")}
    return {
        "format": FORMAT,
        "model": description["model"],
        "dataset": rows[BASELINE]["dataset"],
        "semantics": content["settings"]["semantics"],
        "metric": str(choose_metric(dataset, description["metric"])),
        "num_layers": description["num_layers"],
        **_of_result(result),
        "passages": [[passage.title, passage.text] for passage in dataset.passages],
        "questions": _questions(dataset),
        "baseline": answer_columns(dataset, everything, baseline_answers, baseline),
        "configurations": [
            _configuration(
                rows[names[number]],
                dataset,
                baseline_answers,
                store.answers(run, names[number]),
                result.scores.take(number),
            )
            for number in masked.tolist()
        ],
        "groups": group_payload(dataset, baseline, result.scores.take(masked)),
        "sets": set_payload(
            [names[number] for number in masked], description["num_layers"]
        ),
        "controls": control_payload(result.table),
        "attention": attention_payload(store, run),
        "runs": runs,
        "run": _about_run(store, run, record),
    }


def _of_result(result: SweepResult) -> dict[str, Any]:
    """Returns what the whole sweep shows, and how the page is to show it."""
    return {
        "zones": list(map(str, shown_zones(result.table["zone"].dropna()))),
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


def _questions(dataset: SquadDataset) -> dict[str, Any]:
    """Returns the questions as columns; each gold answer once."""
    questions = list(dataset.questions())
    return {
        "passage": [
            number
            for number, passage in enumerate(dataset.passages)
            for _ in passage.questions
        ],
        "id": [question.id for question in questions],
        "text": [question.text for question in questions],
        "answers": [
            list(map(list, dict.fromkeys((gold.text, gold.start) for gold in golds)))
            for golds in (question.answers for question in questions)
        ],
    }


def _configuration(
    row: dict[Any, Any],
    dataset: SquadDataset,
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
        "zone": row["zone"] if is_cell else None,
        "broken": _count(row.get("broken")),
        "repaired": _count(row.get("repaired")),
        "mcnemar_p": number(row.get("mcnemar_p")),
        "scores": {
            score.name: {"score": row[score.name]}
            | {name: number(row[f"{score}_{name}"]) for name in _STATISTICS}
            for score in scores.scores
        },
        "answers": answer_columns(dataset, changed, answers, scores),
    }


def _count(value: float | None) -> int | None:
    """Returns a count; None where no score is binary."""
    return None if value is None else int(value)

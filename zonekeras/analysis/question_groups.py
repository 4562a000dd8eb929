"""A sweep's effects in groups of questions, read from its store alone."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from zonekeras.analysis.groupings import Grouping
from zonekeras.analysis.merge import open_existing
from zonekeras.analysis.result_reading import read_result
from zonekeras.analysis.run_task import dataset_of, task_name_of, task_of
from zonekeras.analysis.selection import choose_run
from zonekeras.data.squad import SquadDataset
from zonekeras.statistics.groups import group_effects, question_groups
from zonekeras.store.places import PLACE_TYPES
from zonekeras.tasks.registry import check_is_span
from zonekeras.zones import BASELINE, parse_configuration

NUM_RESAMPLES = 2_000
"""For intervals of groups: fewer than for cells, since there are many groups."""


def groups_of(dataset: SquadDataset) -> dict[Grouping, pd.Categorical[str]]:
    """Groups the questions of a dev set in every way; only groups that have some."""
    questions = list(dataset.questions())
    found = question_groups(
        [question.text for question in questions],
        [[answer.text for answer in question.answers] for question in questions],
        [passage.text for passage in dataset.passages for _ in passage.questions],
    )
    return {name: found[name].remove_unused_categories() for name in Grouping}


def group_table(
    directory: str | os.PathLike[str], grouping: Grouping | str
) -> pd.DataFrame:
    """Returns the effects of a finished sweep in every group of questions.

    Args:
        directory: The sweep's directory; of its runs the one whose files lie there.
        grouping: By what to group.

    Returns:
        A row for each configuration but baseline and controls, and each group:
        `configuration`, where it masks (`store.places`), `zone`, `grouping`, `group`,
        `num_questions`, `num_passages`, and for every score, in points, `_baseline`,
        `_effect`, `_low` and `_high` (95 % interval; NaN with one passage).

    Raises:
        InputError: If there is no finished sweep.
    """
    grouping = Grouping(grouping)
    source = Path(directory)
    with open_existing(source) as store:
        run = choose_run(store, source)
        check_is_span(
            task_name_of(store, run),
            "Grouping questions",
            "'zonekeras results' without groups lists the scores of any task.",
        )
        dataset: SquadDataset = dataset_of(store, run)
        passages = task_of(store, run).groups(dataset)
        result = read_result(store, run)
    names = result.table["configuration"].tolist()
    rows = np.flatnonzero(
        [name != BASELINE and not parse_configuration(name).control for name in names]
    )
    effects = group_effects(
        result.scores.take(names.index(BASELINE)),
        result.scores.take(rows),
        passages,
        groups_of(dataset)[grouping],
        num_resamples=NUM_RESAMPLES,
    )
    cells = result.table.iloc[rows[effects.pop("cell")]].reset_index(drop=True)
    return (
        cells[["configuration", *PLACE_TYPES, "zone"]]
        .assign(grouping=str(grouping))
        .join(effects)
    )

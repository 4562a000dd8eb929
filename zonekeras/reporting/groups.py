"""Effects in groups of questions, as a report has them."""

from __future__ import annotations

from typing import Any

from zonekeras.analysis.question_groups import NUM_RESAMPLES, groups_of
from zonekeras.data.squad import SquadDataset
from zonekeras.reporting.json_numbers import rounded
from zonekeras.statistics.groups import group_effects
from zonekeras.statistics.scores import ItemScores
from zonekeras.tasks import span

_OF_EFFECT = ("effect", "low", "high")


def group_payload(
    dataset: SquadDataset, baseline: ItemScores, configurations: ItemScores
) -> list[dict[str, Any]]:
    """Returns every grouping with its effects, as JSON values.

    Args:
        dataset: The dev set.
        baseline: Scores `[Q]`.
        configurations: Scores `[C, Q]`.

    Returns:
        For each grouping its `name`; `labels` of its groups, their `num_questions`,
        `num_passages` and baseline scores (points); `member`, the group of each
        question; and `effects`, score -> configuration -> group -> effect, low, high
        (points; None where there is no interval).
    """
    passages = span.groups(dataset)
    columns = {
        str(score): [f"{score}_{one}" for one in _OF_EFFECT]
        for score in baseline.scores
    }
    found = []
    for name, groups in groups_of(dataset).items():
        table = group_effects(
            baseline, configurations, passages, groups, num_resamples=NUM_RESAMPLES
        )
        first = table[table["cell"] == 0]
        shape = (-1, len(first), 3)  # configurations, groups, effect with interval
        found.append(
            {
                "name": str(name),
                "labels": [str(label) for label in first["group"]],
                "num_questions": first["num_questions"].tolist(),
                "num_passages": first["num_passages"].tolist(),
                "baseline": {
                    score: rounded(first[f"{score}_baseline"].to_numpy())
                    for score in columns
                },
                "member": groups.codes.tolist(),
                "effects": {
                    score: rounded(table[of_effect].to_numpy().reshape(shape))
                    for score, of_effect in columns.items()
                },
            }
        )
    return found

"""Effects in groups of questions, as a report has them."""

from __future__ import annotations

from typing import Any

from zonekeras.analysis.evidence import passage_index
from zonekeras.analysis.question_groups import NUM_RESAMPLES, groups_of
from zonekeras.data.squad import SquadDataset
from zonekeras.reporting.json_numbers import rounded
from zonekeras.statistics.groups import group_effects
from zonekeras.statistics.scores import QuestionScores

_COLUMNS = {
    "exact_match": ("em_effect", "em_low", "em_high"),
    "f1": ("f1_effect", "f1_low", "f1_high"),
}


def group_payload(
    dataset: SquadDataset, baseline: QuestionScores, configurations: QuestionScores
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
    passages = passage_index(dataset)
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
                    "exact_match": rounded(first["em_baseline"].to_numpy()),
                    "f1": rounded(first["f1_baseline"].to_numpy()),
                },
                "member": groups.codes.tolist(),
                "effects": {
                    score: rounded(table[list(columns)].to_numpy().reshape(shape))
                    for score, columns in _COLUMNS.items()
                },
            }
        )
    return found

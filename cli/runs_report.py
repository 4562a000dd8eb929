"""What `zonekeras sweep` shows of several models: means, deviations, intervals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from cli.effect_grids import (
    SURVIVES,
    marked,
    on_a_line,
    print_cells,
    print_sets,
    with_interval,
)
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE

if TYPE_CHECKING:
    from zonekeras.scores import Score
    from zonekeras.sweeping import RunsResult


def print_runs(
    result: RunsResult, directory: str, note: str = "", metric: str = ""
) -> None:
    """Prints joined runs: the baselines, the cells, all else, where the files are.

    Args:
        result: The runs.
        directory: Where the files are.
        note: What else is to be known of the questions.
        metric: Whose scores they are; nothing is said if it is empty.
    """
    print(f"{len(result.names)} runs: {', '.join(result.names)}")
    baseline = result.table.iloc[0]
    scores = [
        f"{score.label} {baseline[score.name]:.3f} ± "
        f"{baseline[f'{score}_score_deviation']:.3f}"
        for score in result.scores
    ]
    counted = f"{baseline['num_questions']} {result.words.items}{note}"
    print(f"baseline: {', '.join(scores)} ({counted})")
    for score in result.scores:
        print_cells(
            result.table,
            title=f"{score.label} effect, points: mean ± standard deviation, "
            "95 % interval",
            caption=SURVIVES,
            text_of=partial(_cell, score),
        )
    shown = print_sets(result.table, result.num_layers, result.scores[0])
    others = result.table[result.table["zone"].isna()].iloc[1:]
    for row in others.to_dict("records"):
        if row["configuration"] in shown:
            continue
        effects = [f"{score.label} {_line(score, row)}" for score in result.scores]
        print(f"{row['configuration']}: {', '.join(effects)}")
    if metric:
        print(metric)
    print(f"results in {directory}")


def _cell(score: Score, row: dict[Any, Any]) -> str:
    # A decimal and a word more, and five columns would not fit into 80 characters.
    star = "*" if row[f"{score}_q"] < FALSE_DISCOVERY_RATE else " "
    mean = f"{row[f'{score}_effect']:+.1f} ± {row[f'{score}_deviation']:.1f}{star}"
    return with_interval(mean, row[f"{score}_low"], row[f"{score}_high"])


def _line(score: Score, row: dict[Any, Any]) -> str:
    effect = marked(row[f"{score}_effect"], row[f"{score}_q"]).strip()
    mean = f"{effect} ± {row[f'{score}_deviation']:.2f}"
    return on_a_line(mean, row[f"{score}_low"], row[f"{score}_high"])

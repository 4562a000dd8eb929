"""Exact match and F1 exactly as the official scripts compute them.

Five scripts: `squad` (SQuAD v1.1), `squad_v2` (SQuAD v2.0), `cmrc2018` (CMRC 2018),
`drcd` (DRCD) and `mlqa-LANGUAGE` (MLQA, for answers in one of seven languages); `auto`
chooses by the dataset, and `describe_metric` says which and why. `evaluate` returns a
script's own keys, in points (0 to 100); the functions for single questions return
fractions (0 to 1), whose mean times 100 is the script's result. A gold answer's offset
plays no part.

Each distinct (prediction, gold answers) is scored once per process (least recently
used ones are forgotten), so the cells of a sweep, which mostly agree, cost little.
Only `cmrc2018` imports a library for it (nltk), when it first meets English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING

from zonekeras.errors import InputError
from zonekeras.metrics import cmrc2018, drcd, mlqa, squad, squad_v2
from zonekeras.metrics.gold import GoldDataset, GoldQuestion, Predictions, Scores
from zonekeras.metrics.writing import is_japanese, is_unspaced

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Metric",
    "choose_metric",
    "describe_metric",
    "evaluate",
    "headline",
    "metric_warning",
    "missing_predictions",
    "reason_for",
    "score_answer",
    "score_questions",
]

_NUM_PASSAGES_LOOKED_AT = 100


class Metric(StrEnum):
    """A metric; its value is the name in flags and files."""

    SQUAD = "squad"
    SQUAD_V2 = "squad_v2"
    CMRC2018 = "cmrc2018"
    DRCD = "drcd"
    MLQA_EN = "mlqa-en"
    MLQA_ES = "mlqa-es"
    MLQA_HI = "mlqa-hi"
    MLQA_VI = "mlqa-vi"
    MLQA_DE = "mlqa-de"
    MLQA_AR = "mlqa-ar"
    MLQA_ZH = "mlqa-zh"


_LANGUAGES = {Metric(f"mlqa-{language}"): language for language in mlqa.LANGUAGES}
_SCORE_ANSWER: Mapping[Metric, Callable[[str, Sequence[str]], Scores]] = {
    Metric.SQUAD: squad.score_answer,
    Metric.SQUAD_V2: squad_v2.score_answer,
    Metric.CMRC2018: cmrc2018.score_answer,
    Metric.DRCD: drcd.score_answer,
    **{
        metric: partial(mlqa.score_answer, language=language)
        for metric, language in _LANGUAGES.items()
    },
}
_SCRIPTS: Mapping[Metric, str] = {
    Metric.SQUAD: "the SQuAD v1.1 script",
    Metric.SQUAD_V2: "the SQuAD v2.0 script",
    Metric.CMRC2018: "the CMRC 2018 script",
    Metric.DRCD: "DRCD's rules",
    **{
        metric: f"the MLQA script for {language}"
        for metric, language in _LANGUAGES.items()
    },
}
_REASONS: Mapping[Metric, str] = {
    Metric.SQUAD_V2: "some questions are meant to have no answer",
    Metric.CMRC2018: "the passages are in Chinese characters",
    Metric.SQUAD: "every question has an answer, and no passages in Chinese characters",
}
_HEADLINE_KEYS = (("exact_match", "f1"), ("exact", "f1"), ("EM", "F1"))


def choose_metric(dataset: GoldDataset, metric: str = "auto") -> Metric:
    """Returns the metric that a name means for a dataset.

    `auto` means `squad_v2` if a question is meant to have no answer, else `cmrc2018` if
    the passages are written in Chinese characters (words are not separated there, so
    that the F1 of `squad` would say nothing), else `squad`.

    Raises:
        InputError: If there is no such metric.
    """
    if metric in tuple(Metric):
        return Metric(metric)
    if metric != "auto":
        names = ", ".join(["auto", *Metric])
        raise InputError(f"expected a metric of {names}. Received: metric={metric!r}.")
    if dataset.has_impossible:
        return Metric.SQUAD_V2
    is_han = cmrc2018.is_han(_first_passages(dataset))
    return Metric.CMRC2018 if is_han else Metric.SQUAD


def describe_metric(dataset: GoldDataset, metric: str = "auto") -> str:
    """Says whose scores a metric gives, and why `auto` chose it.

    Raises:
        InputError: If there is no such metric.

    Example:
        >>> from zonekeras.data.squad import read_squad
        >>> describe_metric(read_squad("dev.json"), "drcd")
        "metric drcd: DRCD's rules"
    """
    chosen = choose_metric(dataset, metric)
    reason = reason_for(dataset, metric)
    why = "" if reason is None else f" ({reason})"
    return f"metric {chosen}: {_SCRIPTS[chosen]}{why}"


def reason_for(dataset: GoldDataset, metric: str = "auto") -> str | None:
    """Says why `auto` chose a metric; None of one that was named."""
    if metric != "auto":
        return None
    return f"auto: {_REASONS[choose_metric(dataset)]}"


def metric_warning(dataset: GoldDataset, metric: str = "auto") -> str | None:
    """Says whether a metric's F1 means nothing for a dataset, and what to choose.

    Returns:
        One line; None if the metric suits the script that the passages are in.

    Raises:
        InputError: If there is no such metric.
    """
    chosen = choose_metric(dataset, metric)
    texts = _first_passages(dataset)
    if chosen in (Metric.CMRC2018, Metric.MLQA_ZH) and is_japanese(texts):
        return (
            f"metric {chosen} takes characters as words in Chinese alone, and the "
            f"passages are Japanese; `metric={Metric.DRCD}` compares all characters"
        )
    by_words = chosen not in (Metric.CMRC2018, Metric.DRCD, Metric.MLQA_ZH)
    if not by_words or not is_unspaced(texts):
        return None
    advice = f"`metric={Metric.DRCD}` compares characters"
    if cmrc2018.is_han(texts):
        advice += f", `metric={Metric.CMRC2018}` runs of them"
    if chosen is Metric.SQUAD_V2:
        advice = "look at exact match alone"
    return (
        f"F1 of metric {chosen} compares words, and the passages are in a script that "
        f"does not separate them: it says nothing beyond exact match; {advice}"
    )


def _first_passages(dataset: GoldDataset) -> list[str]:
    """Returns the texts by which a dataset's script is told."""
    return [
        passage.text for passage in islice(dataset.passages, _NUM_PASSAGES_LOOKED_AT)
    ]


def score_answer(prediction: str, golds: Sequence[str], metric: str) -> Scores:
    """Scores one prediction.

    Args:
        prediction: The predicted text.
        golds: The gold answers; `squad_v2` alone allows none, for "unanswerable".
        metric: A value of `Metric`.

    Returns:
        Exact match and F1, each the best over the gold answers, from 0 to 1.

    Raises:
        InputError: If there is no gold answer, or no such metric.

    Example:
        >>> score_answer("the Eiffel tower", ["Eiffel Tower", "a tower"], "squad")
        (1.0, 1.0)
    """
    if metric not in tuple(Metric):
        raise InputError(
            f"expected a metric of {', '.join(Metric)}. Received: metric={metric!r}."
        )
    if not golds and metric != Metric.SQUAD_V2:
        raise InputError(
            f"expected a gold answer for metric {metric}. Received: none; use squad_v2 "
            "for unanswerable questions."
        )
    return _score_answer_once(prediction, tuple(golds), Metric(metric))


def score_questions(
    dataset: GoldDataset, predictions: Predictions, metric: str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """Scores every question.

    Args:
        dataset: The questions with their gold answers.
        predictions: Question id -> answer text. Other ids in it are ignored.
        metric: As for `choose_metric`.

    Returns:
        Exact match and F1, float64 `[Q]` in file order, from 0 to 1. A question without
        a prediction has 0, and with `squad_v2`, which leaves it out, NaN.

    Raises:
        InputError: If a predicted question has no gold answer and needs one.
    """
    import numpy as np  # not above: flags take the metrics' names from here

    chosen = choose_metric(dataset, metric)
    missing = float("nan") if chosen is Metric.SQUAD_V2 else 0.0
    scores = _score_all(list(dataset.questions()), predictions, chosen)
    rows = [score or (missing, missing) for score in scores]
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)  # [Q, 2]
    return table[:, 0].copy(), table[:, 1].copy()


def evaluate(
    dataset: GoldDataset,
    predictions: Predictions,
    *,
    null_odds: Mapping[str, float] | None = None,
    metric: str = "auto",
    null_threshold: float = squad_v2.DEFAULT_NULL_THRESHOLD,
) -> dict[str, float]:
    """Scores a dataset as the metric's official script does.

    Args:
        dataset: The questions with their gold answers.
        predictions: Question id -> answer text. Other ids in it are ignored. For ids
            that it lacks see the metric's module and `missing_predictions`.
        null_odds: For `squad_v2`, question id -> how much "no answer" is preferred.
        metric: As for `choose_metric`.
        null_threshold: For `squad_v2`, the null odds above which an answer counts as
            none. The script's default, 1, is meant for probabilities.

    Returns:
        The script's keys in its order; scores in points.

    Raises:
        InputError: If there are null odds but not for every prediction, or for another
            metric; if a predicted question has no gold answer and needs one; if
            `squad_v2` finds no prediction.
    """
    chosen = choose_metric(dataset, metric)
    questions = list(dataset.questions())
    if chosen is not Metric.SQUAD_V2 and null_odds is not None:
        raise InputError(
            f"null odds are for metric {Metric.SQUAD_V2}. Received: metric {chosen}; "
            "leave the null odds out."
        )
    scores = _score_all(questions, predictions, chosen)
    if chosen is Metric.CMRC2018:
        return cmrc2018.summarize(scores)
    if chosen is not Metric.SQUAD_V2:
        return squad.summarize(scores)
    scored = [
        squad_v2.ScoredQuestion(
            question.id, predictions[question.id], bool(question.answers), *score
        )
        for question, score in zip(questions, scores, strict=True)
        if score is not None
    ]
    _check_for_v2(scored, null_odds)
    return squad_v2.summarize(scored, null_odds, null_threshold)


def headline(result: Mapping[str, float]) -> tuple[float, float]:
    """Returns exact match and F1, in points, of what `evaluate` returned."""
    for exact_key, f1_key in _HEADLINE_KEYS:
        if exact_key in result:
            return result[exact_key], result[f1_key]
    raise InputError(f"expected a result of evaluate. Received: keys {list(result)}.")


def missing_predictions(dataset: GoldDataset, predictions: Predictions) -> list[str]:
    """Returns the ids of the questions without a prediction, in file order."""
    ids = (question.id for question in dataset.questions())
    return [key for key in ids if key not in predictions]


@lru_cache(maxsize=1 << 16)
def _score_answer_once(
    prediction: str, golds: tuple[str, ...], metric: Metric
) -> Scores:
    return _SCORE_ANSWER[metric](prediction, golds)


def _score_all(
    questions: Sequence[GoldQuestion], predictions: Predictions, metric: Metric
) -> list[Scores | None]:
    """Scores each question; `None` where the prediction is missing."""
    predicted = [question for question in questions if question.id in predictions]
    without_gold = [question.id for question in predicted if not question.answers]
    if without_gold and metric is not Metric.SQUAD_V2:
        others = len(without_gold) - 1
        raise InputError(
            f"expected a gold answer for every question (metric {metric}). "
            f"Received: none for question {without_gold[0]!r}"
            + (f" and {others} others" if others else "")
            + "; score a file that has answers, or use metric squad_v2."
        )
    return [
        _score_answer_once(
            predictions[question.id],
            tuple(answer.text for answer in question.answers),
            metric,
        )
        if question.id in predictions
        else None
        for question in questions
    ]


def _check_for_v2(
    scored: Sequence[squad_v2.ScoredQuestion], null_odds: Mapping[str, float] | None
) -> None:
    """Refuses what the v2.0 script would stop at."""
    if not scored:
        raise InputError("expected predictions for this file's questions. Received: 0.")
    if null_odds is None:
        return
    without_odds = [item.id for item in scored if item.id not in null_odds]
    if without_odds:
        raise InputError(
            "expected null odds for every prediction. Received: none for question "
            f"{without_odds[0]!r} and {len(without_odds) - 1} others."
        )

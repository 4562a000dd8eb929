"""Warnings of commands about data that they can use all the same."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zonekeras.data.squad import SquadDataset


def warn_of_skipped(dataset: SquadDataset) -> None:
    """Says how many questions `--skip_bad` left out, if any."""
    if dataset.num_skipped:
        warnings.warn(f"{dataset.path}: {dataset.left_out()}", stacklevel=3)


def warn_of_metric(dataset: object, metric: str) -> None:
    """Says if a metric's F1 means nothing for a data set, and what to choose.

    Args:
        dataset: Of any task.
        metric: As it was given.
    """
    from zonekeras.data.squad import SquadDataset
    from zonekeras.metrics import metric_warning

    if not isinstance(dataset, SquadDataset):
        return
    warning = metric_warning(dataset, metric)
    if warning is not None:
        warnings.warn(f"{dataset.path}: {warning}", stacklevel=3)


def metric_line(dataset: object, metric: str) -> str:
    """Returns whose scores are shown, and why they were chosen.

    Args:
        dataset: Of any task; of others than spans there is nothing to say.
        metric: As it was given.
    """
    from zonekeras.data.squad import SquadDataset
    from zonekeras.metrics import describe_metric

    return describe_metric(dataset, metric) if isinstance(dataset, SquadDataset) else ""


def skipped_note(dataset: object) -> str:
    """Returns what a line with scores adds if some questions were left out.

    Args:
        dataset: Of any task.
    """
    from zonekeras.data.squad import SquadDataset

    if isinstance(dataset, SquadDataset) and dataset.num_skipped:
        return f"; {dataset.left_out()}"
    return ""

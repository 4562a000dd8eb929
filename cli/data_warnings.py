"""Warnings of commands about data that they can use all the same."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zonekeras.data.squad import SquadDataset


def warn_of_skipped(dataset: SquadDataset) -> None:
    """Says how many entries `--skip_bad` left out, if any."""
    if dataset.num_skipped:
        warnings.warn(
            f"{dataset.path}: {dataset.num_skipped} bad entries left out", stacklevel=3
        )

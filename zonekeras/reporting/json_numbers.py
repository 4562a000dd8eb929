"""Numbers as JSON has them: None for what is not finite or missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_DECIMALS = 3


def number(value: Any) -> float | None:
    """Returns a number; None for what is not finite or missing."""
    return None if pd.isna(value) or not np.isfinite(value) else float(value)


def rounded(values: np.ndarray) -> Any:
    """Returns nested lists of numbers, rounded to three decimals."""
    if values.ndim:
        return [rounded(np.asarray(value)) for value in values]
    return round(float(values), _DECIMALS) if np.isfinite(values) else None

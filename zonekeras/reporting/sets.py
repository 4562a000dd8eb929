"""Sets of configurations that a sweep holds whole, as a report has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zonekeras.configuration_sets import whole_panels


def set_payload(names: Sequence[str], num_layers: int) -> list[dict[str, Any]]:
    """Returns every set but the cells as grids of configurations, as JSON values.

    Args:
        names: The report's configurations, in its order.
        num_layers: Layers of the model.

    Returns:
        For each set its `name` and `panels`: `title`, `axis`, labels of its `columns`,
        and for each layer, from 0, its row of indices into `names`.
    """
    index = {name: number for number, name in enumerate(names)}
    return [
        {
            "name": str(name),
            "panels": [
                {
                    "title": panel.title,
                    "axis": panel.axis,
                    "columns": [column.label for column in panel.columns],
                    "rows": [
                        [index[column.names[layer]] for column in panel.columns]
                        for layer in range(num_layers)
                    ],
                }
                for panel in panels
            ],
        }
        for name, panels in whole_panels(names, num_layers).items()
    ]

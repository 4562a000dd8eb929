"""The colours of figures, the same as the report's (`reporting/assets`)."""

from __future__ import annotations

from itertools import cycle

from matplotlib.colors import Colormap, LinearSegmentedColormap

from zonekeras.zones import Zone

_ANCHORS = (
    *("#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7"),
    *("#d8daeb", "#b2abd2", "#8073ac", "#542788"),
)
"""ColorBrewer's PuOr without its two darkest ends: safe for the colour-blind, with a
neutral middle, and equal steps to the eye."""

EFFECT_COLORS: Colormap = LinearSegmentedColormap.from_list("effects", _ANCHORS)
"""Losses are orange, gains purple."""

LOSS_COLORS: Colormap = EFFECT_COLORS.reversed()
"""Of increases of a loss: orange is where masking hurts, as in effects."""

PROTOCOL_COLORS = "seismic"
DEVIATION_COLORS = "Greens"
PROTOCOL_DEVIATION_COLORS = "Purples"

_OF_ZONES = (
    *("#333333", "#0072b2", "#b3541e", "#00795a", "#a0508a"),
    *("#7a6a00", "#c0392b", "#0e7490", "#6d4cc3"),
)
ZONE_COLORS = dict(zip(Zone, cycle(_OF_ZONES), strict=False))
"""More zones than colours go round, as in the report."""

"""What the sweeps under a strategy are run with."""

from tests.sweeping.sweeps import CELLS, SETTINGS

# One shape, so that every function is traced once; two masks of one layer, with
# prefixes shared and parting.
SWEEP = {"configurations": CELLS[6:8], "fixed_shapes": True, **SETTINGS}

"""What the tests of estimates share: compiling takes longer than all that they run."""

import pytest

from zonekeras.gradients import gradient_run as run_module
from zonekeras.gradients.reader_loss import ReaderLoss
from zonekeras.zones import PROTOCOL_ZONES

_LOSSES = {}


def compiled_loss(reader, zones=PROTOCOL_ZONES):
    """The reader's loss, compiled for all tests once."""
    key = (id(reader), zones)
    if key not in _LOSSES:
        _LOSSES[key] = ReaderLoss(reader, zones)
    return _LOSSES[key]


@pytest.fixture(scope="module", autouse=True)
def runs_take_compiled_losses():
    """Runs of one reader do not compile it again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "ReaderLoss", compiled_loss)
        yield


@pytest.fixture(scope="session")
def loss(reader):
    """The loss of the tiny reader."""
    return compiled_loss(reader.network.reader)

"""What the tests of estimates share: compiling takes longer than all that they run."""

import pytest

from zonekeras.gradients import gradient_run as run_module
from zonekeras.gradients.reader_loss import ReaderLoss

_LOSSES = {}


def compiled_loss(reader):
    """The reader's loss, compiled for all tests once."""
    if id(reader) not in _LOSSES:
        _LOSSES[id(reader)] = ReaderLoss(reader)
    return _LOSSES[id(reader)]


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

"""The devices that a command's flags ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

    from zonekeras.distribute.options import StrategyOptions
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.sweeping.workers import Workers


class Devices:
    """Where models are loaded to, and who shares the work.

    Make it before anything is computed: workers wait for each other.

    Args:
        options: What the flags ask for.

    Attributes:
        needs_fixed_shapes: Whether every new shape is compiled anew, as on a TPU.
        strategy: What joins the devices; None for one.
        workers: The processes that share the work; None if this is the only one.

    Raises:
        InputError: If it cannot be had here.
    """

    def __init__(self, options: StrategyOptions) -> None:
        from zonekeras.distribute.options import StrategyName
        from zonekeras.distribute.strategies import choose_strategy, make_strategy

        name = choose_strategy(options)
        self.needs_fixed_shapes = name is StrategyName.TPU
        self.strategy: tf.distribute.Strategy | None = make_strategy(options)
        self.workers: Workers | None = None
        if name is StrategyName.MULTI_WORKER:
            from zonekeras.distribute.collective_workers import CollectiveWorkers

            self.workers = CollectiveWorkers(self.strategy)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files."""
        return self.workers is None or self.workers.index == 0

    def load(self, load: Callable[[], ZoneModel]) -> ZoneModel:
        """Loads a model on all devices.

        Args:
            load: Loads it on one.
        """
        if self.strategy is None:
            return load()
        from zonekeras.distribute.chief import Chief
        from zonekeras.distribute.replicated_model import load_replicated

        with Chief(self.strategy).errors():
            return load_replicated(load, self.strategy)

    def on_chief(self, function: Callable[[], None]) -> None:
        """Calls a function on the chief; other workers wait until it is done."""
        if self.workers is None:
            function()
            return
        from zonekeras.distribute.chief import Chief

        Chief(self.strategy).call(function)

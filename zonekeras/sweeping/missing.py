"""What a store lacks of a sweep, batch by batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from zonekeras.store.sweep_store import StoredBatch, SweepStore
from zonekeras.zones import Configuration


@dataclass(frozen=True)
class Missing:
    """What is to be done with one batch.

    Attributes:
        configurations: Those whose answers it lacks.
        attention: Whether it is to be looked at where the unmasked model attends.
    """

    configurations: tuple[Configuration, ...]
    attention: bool = False

    @property
    def run(self) -> tuple[Configuration, ...]:
        """What has to be run for it: attention is looked at in the baseline."""
        if self.attention and Configuration() not in self.configurations:
            return (Configuration(), *self.configurations)
        return self.configurations


def missing_work(
    store: SweepStore,
    run: int,
    numbers: Sequence[int],
    planned: Sequence[Configuration],
    examples: Mapping[int, int] | None,
) -> dict[int, Missing]:
    """Returns what some batches lack, of batches that lack anything.

    Args:
        store: The store.
        run: The run's number in it.
        numbers: The batches.
        planned: The configurations.
        examples: Window -> row of its question, of those whose attention is to be
            kept; None if no attention is asked for at all.
    """
    finished = set(store.finished(run))
    chunks = store.chunks(run)
    lacks_attention: Collection[int] = ()
    if examples is not None:
        lacks_attention = _without_attention(store, run, examples)
    missing = {}
    for number in numbers:
        lacking = tuple(
            item
            for item in planned
            if str(item) not in finished and number not in chunks.get(str(item), ())
        )
        if lacking or number in lacks_attention:
            missing[number] = Missing(lacking, number in lacks_attention)
    return missing


def _without_attention(
    store: SweepStore, run: int, examples: Mapping[int, int]
) -> set[int]:
    """Returns the batches without masses, or without an example of a question."""
    known = store.attention_masses(run)
    shown = set(store.attention_examples(run))
    lacking = {row for row in examples.values() if row not in shown}

    def lacks(batch: StoredBatch) -> bool:
        return any(examples.get(window) in lacking for window in batch.windows.tolist())

    return {
        number
        for number, batch in enumerate(store.batches(run))
        if number not in known or lacks(batch)
    }

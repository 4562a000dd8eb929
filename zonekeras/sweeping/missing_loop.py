"""The loop over what a store lacks of a run, whoever runs the batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing

from zonekeras.store.sweep_store import SweepStore
from zonekeras.sweeping.progress import Clock, Progress
from zonekeras.sweeping.workers import BatchOutcome


def store_missing(
    store: SweepStore,
    run: int,
    outcomes: Generator[BatchOutcome, None, None],
    *,
    work: Mapping[int, float],
    sizes: Mapping[int, int],
    num_configurations: int,
) -> Iterator[Progress]:
    """Stores what comes out of batches; yields at the start and after each is stored.

    Args:
        store: The store.
        run: The run's number in it.
        outcomes: What comes out of the batches that lack anything, each run when it is
            asked for.
        work: These batches -> how long each takes, in any unit.
        sizes: All batches -> windows in each.
        num_configurations: How many configurations each is answered under.
    """
    kept = sum(size for number, size in sizes.items() if number not in work)
    at = Progress(kept, sum(sizes.values()), num_configurations, windows_kept=kept)
    clock = Clock(sum(work.values()), at)
    yield at
    batches = store.batches(run)
    with closing(outcomes):
        for outcome in outcomes:
            number = outcome.number
            if outcome.num_parts != batches[number].num_parts:
                # As another worker had to run it.
                store.record_split(run, number, outcome.num_parts)
            store.put_chunks(run, number, outcome.records, outcome.attention)
            yield clock.add(sizes[number], work[number])


def report_each(
    steps: Iterable[Progress], on_progress: Callable[[Progress], None] | None
) -> Progress:
    """Goes through a loop to its end, tells where it is, and returns where it ended."""
    for progress in steps:
        if on_progress is not None:
            on_progress(progress)
    return progress

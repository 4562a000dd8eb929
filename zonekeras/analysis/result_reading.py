"""What a run of a store has finished, as a `SweepResult`; nothing is written."""

from __future__ import annotations

from zonekeras.analysis.attention_masses import mean_masses
from zonekeras.analysis.result_order import in_result_order
from zonekeras.analysis.run_task import dataset_of, task_of
from zonekeras.analysis.sweep_result import SweepResult, build_result
from zonekeras.store.sweep_store import SweepStore


def read_result(store: SweepStore, run: int) -> SweepResult:
    """Scores everything that a run has finished.

    Args:
        store: The store.
        run: The run's number in it; the baseline has to be finished.
    """
    description, settings = store.description(run), store.content(run)["settings"]
    names = in_result_order(store.finished(run))
    return build_result(
        task_of(store, run),
        dataset_of(store, run),
        # One configuration at a time: together they take hundreds of megabytes.
        ((name, [item.text for item in store.answers(run, name)]) for name in names),
        model_name=description["model"],
        semantics=settings["semantics"],
        settings=settings | {"metric": description["metric"]},
        num_layers=description["num_layers"],
        overlaps=description.get("overlaps"),
        attention=mean_masses(store, run),
    )

import pytest

from tests.builders import tiny_model, tiny_squad, write_json
from tests.sweeping.sweeps import CELLS, SETTINGS, count_calls
from zonekeras.analysis.listing import export_table, list_runs
from zonekeras.errors import InputError
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.store.tidy import columns_of, read_table
from zonekeras.sweeping import run_shard, run_sweep

COLUMNS = columns_of(["exact_match", "f1"])

pytestmark = pytest.mark.both_backends

FEW = ["layer0:q2", "layer1.head1:p2"]


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())


def test_a_finished_run(reader, dev, tmp_path):
    result = run_sweep(
        reader, dev, tmp_path, configurations=FEW, model_name="tiny", **SETTINGS
    )
    [run] = list_runs(tmp_path)
    with SweepStore(tmp_path / STORE_FILE) as store:
        assert run.key == store.key(1)[:12]
        num_windows = sum(len(batch.windows) for batch in store.batches(1))
    assert (run.model, run.dataset, run.num_questions) == ("tiny", str(dev), 9)
    assert run.planned == ("baseline", *FEW)
    assert run.windows_done == run.num_windows == num_windows
    assert run.has_files
    assert run.content["weights"] == reader.fingerprint()
    assert run.content["settings"] | SETTINGS == run.content["settings"]
    assert run.table.equals(result.table)
    exported = export_table(tmp_path)
    assert list(exported)[: 1 + len(COLUMNS)] == ["run", *COLUMNS]
    assert set(exported.pop("run")) == {run.key}
    assert exported.equals(read_table(tmp_path / "results.parquet"))


def test_an_unfinished_run(reader, dev, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def stop(progress):
        if progress.windows_done:
            raise Stop

    calls = count_calls(monkeypatch)
    with pytest.raises(Stop, match="^$"):
        run_sweep(
            reader, dev, tmp_path, configurations=FEW, on_progress=stop, **SETTINGS
        )
    [run] = list_runs(tmp_path)
    assert run.windows_done == calls[0][1] < run.num_windows
    assert run.table.empty
    assert list(export_table(tmp_path)) == ["run", *COLUMNS]
    assert len(export_table(tmp_path)) == 0


def test_cells_that_were_added_and_stopped(reader, dev, tmp_path):
    """All that was asked for counts; what was finished before is not counted again."""
    run_sweep(reader, dev, tmp_path, configurations=FEW, **SETTINGS)
    more = [*FEW, CELLS[4]]
    run_shard(reader, dev, tmp_path, "1/2", configurations=more, **SETTINGS)
    [run] = list_runs(tmp_path)
    with SweepStore(tmp_path / STORE_FILE) as store:
        sizes = [len(batch.windows) for batch in store.batches(1)]
    assert run.planned == ("baseline", FEW[0], CELLS[4], FEW[1])
    assert run.windows_done == sum(sizes[::2])
    assert run.num_windows == sum(sizes)
    assert run.shard == "1/2"
    assert run.shard_windows_done == run.num_shard_windows == sum(sizes[::2])
    assert run.table["configuration"].tolist() == ["baseline", *FEW]


def test_a_later_subset_does_not_make_a_run_look_finished(reader, dev, tmp_path):
    run_shard(reader, dev, tmp_path, "1/2", configurations=FEW, **SETTINGS)
    run_sweep(reader, dev, tmp_path, configurations=FEW[:1], **SETTINGS)
    [run] = list_runs(tmp_path)
    assert run.planned == ("baseline", *FEW)
    assert run.windows_done < run.num_windows
    assert run.shard is None
    assert run.shard_windows_done == run.windows_done
    assert run.num_shard_windows == run.num_windows


# pytest.warns shows warnings of libraries that are else ignored.
@pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")
def test_several_runs_and_whose_files_are_there(reader, dev, tmp_path):
    run_sweep(reader, dev, tmp_path, configurations=FEW, **SETTINGS)
    with pytest.warns(UserWarning, match="of a sweep with another model"):
        run_sweep(
            tiny_model(seed=1),
            dev,
            tmp_path,
            configurations=FEW[:1],
            overwrite=True,
            **SETTINGS,
        )
    first, second = list_runs(tmp_path)
    assert (first.model, second.model) == ("random-0", "random-1")
    assert (first.has_files, second.has_files) == (False, True)
    assert first.key != second.key
    exported = export_table(tmp_path)
    assert exported["run"].tolist() == [first.key] * 3 + [second.key] * 2
    assert exported["model"].tolist() == ["random-0"] * 3 + ["random-1"] * 2


def test_a_store_without_runs(tmp_path):
    SweepStore(tmp_path / STORE_FILE).close()
    assert list_runs(tmp_path) == []
    assert list(export_table(tmp_path)) == ["run", *COLUMNS]


def test_where_no_sweep_was(tmp_path):
    with pytest.raises(InputError, match="^Expected a sweep's directory with") as said:
        list_runs(tmp_path / "nothing")
    assert str(said.value) == (
        f"Expected a sweep's directory with {STORE_FILE}. Received: "
        f"{tmp_path / 'nothing'}, which has none. Give a sweep's `output_dir`."
    )
    assert list(tmp_path.iterdir()) == []

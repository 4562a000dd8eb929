"""Answers that equal flags do not go on with: other graphs, other versions."""

import dataclasses
import hashlib
import json
import shutil

import pytest

from tests.backends import only_tensorflow
from tests.builders import ONE_LAYER, tiny_model, tiny_squad, write_json
from tests.models.earlier_format import write_format_1
from tests.sweeping.sweeps import SETTINGS, count_calls, results
from zonekeras.analysis.joining import join_runs, read_run
from zonekeras.analysis.listing import list_runs
from zonekeras.errors import InputError
from zonekeras.graph.options import ExportOptions
from zonekeras.models.loading import load
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.sweeping import merge_runs, run_shard, run_sweep
from zonekeras.sweeping import sweep as sweep_module

NO_TEXT = ExportOptions(answer=None)
FEW = {"configurations": ["layer0:q2", "layer0.head1:p2"], **SETTINGS}
TABLES_REMOVED = (
    "files of a sweep with another model, data or settings, or of another version, "
    "are removed"
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:The set_bad function:PendingDeprecationWarning"
)


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Two directories of the same weights and description; the graphs differ.

    Both say `gelu_tanh`; the second's SavedModel computes with `relu`.
    """
    folder = tmp_path_factory.mktemp("exports")
    tiny_model(**ONE_LAYER).export(folder / "tanh", NO_TEXT)
    tiny_model(activation="relu", **ONE_LAYER).export(folder / "relu", NO_TEXT)
    shutil.copytree(folder / "tanh", folder / "mixed")
    shutil.rmtree(folder / "mixed" / "1")
    shutil.copytree(folder / "relu" / "1", folder / "mixed" / "1")
    return folder / "tanh", folder / "mixed"


@pytest.mark.both_backends
def test_answers_of_an_earlier_version_are_not_reused(
    reader, dev, tmp_path, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr(sweep_module, "ANSWERS_VERSION", 2)
        before = run_sweep(reader, dev, tmp_path / "out", **FEW)
    files = results(tmp_path / "out")
    calls = count_calls(monkeypatch)
    with pytest.raises(InputError, match=f"with {len(files)} files of another sweep"):
        run_sweep(reader, dev, tmp_path / "out", **FEW)
    assert calls == []
    assert results(tmp_path / "out") == files
    with pytest.warns(UserWarning) as caught:
        again = run_sweep(reader, dev, tmp_path / "out", overwrite=True, **FEW)
    said = [str(one.message) for one in caught if one.category is UserWarning]
    assert said == [
        f"{tmp_path / 'out' / STORE_FILE}: its answers are those of another version of "
        "zonekeras, and are not reused; all questions are answered again",
        f"{tmp_path / 'out'}: {len(files)} {TABLES_REMOVED}; {STORE_FILE} keeps its "
        "answers",
    ]
    with SweepStore(tmp_path / "out" / STORE_FILE) as store:
        assert [store.content(run)["version"] for run in store.runs()] == [2, 4]
        assert len(calls) == len(store.batches(2))
    assert again.predictions == before.predictions
    assert results(tmp_path / "out") == files

    calls.clear()  # and these are the run's own from here on, nothing is said
    run_sweep(reader, dev, tmp_path / "out", **FEW)
    assert calls == []


@pytest.mark.both_backends
def test_parts_of_two_versions_are_not_merged(reader, dev, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(sweep_module, "ANSWERS_VERSION", 2)
        run_shard(reader, dev, tmp_path / "one", "1/2", **FEW)
    run_shard(reader, dev, tmp_path / "two", "2/2", **FEW)
    with pytest.raises(
        InputError,
        match=r", which differ in the version of answers \(2 and 4\). Run the parts "
        "with the same settings, one version of zonekeras, and copies of one model "
        "directory.$",
    ):
        merge_runs([tmp_path / "one", tmp_path / "two"], tmp_path / "out")
    with pytest.warns(UserWarning, match="those of another version of zonekeras"):
        run_shard(reader, dev, tmp_path / "one", "1/2", **FEW)
    found = merge_runs([tmp_path / "one", tmp_path / "two"], tmp_path / "out")
    assert found.predictions == run_sweep(reader, dev, **FEW).predictions


@only_tensorflow
def test_the_graph_names_a_run(exports, dev, tmp_path):
    """The weights and all that the description says are the same."""
    tanh, mixed = map(load, exports)
    assert tanh.fingerprint() == mixed.fingerprint()
    for path, model in zip(exports, (tanh, mixed), strict=True):
        content = (path / "1" / "saved_model.pb").read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        assert model.network.graph_fingerprint == digest
    first = run_sweep(tanh, dev, tmp_path / "out", **FEW)
    with pytest.warns(UserWarning) as caught:
        second = run_sweep(mixed, dev, tmp_path / "out", overwrite=True, **FEW)
    assert any(
        str(one.message)
        == f"{tmp_path / 'out' / STORE_FILE}: its answers are those of another "
        "SavedModel of this model, or of its Keras model, and are not reused; all "
        "questions are answered again"
        for one in caught
    )
    assert (
        second.predictions
        == run_sweep(tiny_model(activation="relu", **ONE_LAYER), dev, **FEW).predictions
    )
    assert second.predictions != first.predictions
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["fingerprints"]["graph"] == mixed.network.graph_fingerprint
    assert len({item.key for item in list_runs(tmp_path / "out")}) == 2


@only_tensorflow
def test_copies_of_one_export_share_a_run_and_other_graphs_do_not(
    exports, dev, tmp_path
):
    copy = shutil.copytree(exports[0], tmp_path / "copy")
    run_shard(load(exports[0]), dev, tmp_path / "one", "1/2", **FEW)
    run_shard(load(copy), dev, tmp_path / "two", "2/2", model_name="tanh", **FEW)
    merge_runs([tmp_path / "one", tmp_path / "two"], tmp_path / "out")

    mixed, keras = load(exports[1]), load(exports[0], prefer_saved_model=False)
    graphs = [load(exports[0]).network.graph_fingerprint[:12] + "…"]
    graphs += [mixed.network.graph_fingerprint[:12] + "…", "none"]
    for number, other in enumerate((mixed, keras), start=1):
        part = tmp_path / f"other-{number}"
        run_shard(other, dev, part, "2/2", **FEW)
        with pytest.raises(InputError) as caught:
            merge_runs([tmp_path / "one", part], tmp_path / "out")
        assert str(caught.value) == (
            f"Expected parts of one sweep. Received: {tmp_path / 'one'} and {part}, "
            f"which differ in the SavedModel's graph ({graphs[0]} and "
            f"{graphs[number]}). Run the parts with the same settings, one version of "
            "zonekeras, and copies of one model directory."
        )


@only_tensorflow
def test_a_model_written_again_is_another_run_of_the_same_weights(dev, tmp_path):
    model = tiny_model(**ONE_LAYER)
    write_format_1(model, tmp_path / "own")
    with pytest.raises(InputError, match="written by an earlier version"):
        load(tmp_path / "own")
    runs = []
    for name in ("first", "second"):
        load(tmp_path / "own", prefer_saved_model=False).export(
            tmp_path / "own", NO_TEXT
        )
        run_sweep(load(tmp_path / "own"), dev, tmp_path / name, **FEW)
        runs.append(read_run(tmp_path / name))
    keys = [list_runs(run.directory)[0].key for run in runs]
    assert keys[0] != keys[1]
    assert runs[0].weights == runs[1].weights == model.fingerprint()
    with pytest.raises(InputError, match="which have the same weights. Leave one out"):
        join_runs([runs[0], dataclasses.replace(runs[1], name="other")])

"""`run_gradients` from end to end on a tiny reader with random weights."""

import json

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import ONE_LAYER, tiny_model, tiny_squad, write_json
from tests.gradients.windows import numpy_losses
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.gradients import gradient_run as run_module
from zonekeras.gradients import run_gradients
from zonekeras.gradients.batch_sums import BatchSums
from zonekeras.gradients.reader_loss import ReaderLoss
from zonekeras.graph.options import ExportOptions
from zonekeras.machine import describe_machine
from zonekeras.models.loading import load
from zonekeras.models.weights import variable_value

# Random weights rank as they like.
pytestmark = pytest.mark.filterwarnings("ignore:the rank correlation of")

SETTINGS = {"max_seq_length": 29, "doc_stride": 7, "token_budget": 150}
FILES = {
    "gradients.csv",
    "gradients.parquet",
    "gradients.pdf",
    "gradients.png",
}


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())


@pytest.fixture(scope="module")
def result(reader, dev):
    chosen = {"exact": 15, "exact_heads": 4, "steps": 2, **SETTINGS}
    return run_gradients(reader, dev, **chosen)


@pytest.fixture(scope="module")
def windows(reader, dev):
    return windows_of(dev, reader)


def windows_of(dev, reader):
    features = build_features(
        read_squad(dev), reader.tokenizer, max_seq_length=29, doc_stride=7
    )
    everything = np.arange(features.num_windows)
    return features.arrays(everything, 29), features.training_targets()


def mean_loss(reader, windows):
    inputs, targets = windows
    return numpy_losses(reader.predict_logits(inputs), targets, inputs["roles"]).mean()


@pytest.mark.both_backends
def test_exact_cells_are_what_flipping_gives(result, reader, windows):
    before = mean_loss(reader, windows)
    assert result.baseline_loss == pytest.approx(before, rel=1e-5)
    known = result.table[result.table["exact"].notna()]
    assert known["head"].isna().sum() == 15
    assert known["head"].notna().sum() == 4
    for row in known.to_dict("records"):
        with reader.masked(row["configuration"]):
            increase = mean_loss(reader, windows) - before
        assert row["exact"] == pytest.approx(increase, abs=2e-5), row["configuration"]


@pytest.mark.both_backends
def test_a_slope_is_how_the_loss_starts_to_rise(result, reader, windows):
    """A cell of one head, by its own derivative over its gate, weakened a little."""
    inputs, targets = windows
    table = result.table.set_index("configuration")
    for name, layer, head in (("layer1.head0:p2", 1, 0), ("layer2.head1:p2", 2, 1)):

        def loss(gate, layer=layer, head=head):
            tables = np.ones((len(targets), 3, 2, 5, 5), np.float32)
            tables[..., 0] = 0.0
            tables[:, layer, head, 4, 4] = gate
            logits = reader.network.logits(inputs, tables)
            return numpy_losses(logits, targets, inputs["roles"]).mean()

        derivative = (loss(1.1) - loss(0.9)) / 0.2
        assert table.loc[name, "derivative"] == pytest.approx(derivative, abs=5e-3)


def test_other_zones_are_estimated_where_they_are_asked_for(
    result, reader, dev, windows, tmp_path
):
    chosen = {"zones": ["cls2q", "q2"], "exact": 6, **SETTINGS}
    found = run_gradients(reader, dev, tmp_path, **chosen)
    assert found.cells["zone"].tolist() == ["q2", "cls2q"] * 3
    assert len(found.heads) == 3 * 2 * 2
    usual = result.cells[result.cells["zone"] == "q2"]
    np.testing.assert_allclose(found.cells["slope"][::2], usual["slope"], atol=1e-6)
    before = mean_loss(reader, windows)
    for row in found.cells.to_dict("records"):
        with reader.masked(row["configuration"]):
            increase = mean_loss(reader, windows) - before
        assert row["exact"] == pytest.approx(increase, abs=2e-5), row["configuration"]
    assert FILES <= {path.name for path in tmp_path.iterdir()}


def test_the_same_seed_gives_the_same_table(result, reader, dev):
    chosen = {"exact": 3, "exact_heads": 3, **SETTINGS}
    first, again, other = (
        run_gradients(reader, dev, seed=seed, **chosen).table for seed in (1, 1, 2)
    )
    assert first.equals(again)
    assert not first["exact"].isna().equals(other["exact"].isna())
    np.testing.assert_allclose(first["slope"], result.table["slope"], atol=1e-6)


def test_what_integrated_cells_get_adds_up_to_masking_all_layers(reader, tmp_path):
    dev = write_json(tmp_path / "dev.json", tiny_squad(num_passages=1))
    found = run_gradients(reader, dev, exact=0, steps=24, **SETTINGS).cells
    windows = windows_of(dev, reader)
    before = mean_loss(reader, windows)
    for zone, rows in found.groupby("zone"):
        with reader.masked(f"all-layers:{zone}"):
            increase = mean_loss(reader, windows) - before
        # The midpoint rule's error falls with the square of the steps.
        assert rows["integrated"].sum() == pytest.approx(increase, abs=0.02), zone


@pytest.fixture(scope="module")
def written(reader, dev, tmp_path_factory):
    """What an undisturbed run leaves."""
    directory = tmp_path_factory.mktemp("written")
    run_gradients(reader, dev, directory, exact=3, **SETTINGS)
    return directory


def test_a_stopped_run_goes_on_to_the_same_bytes(
    reader, dev, written, tmp_path, monkeypatch
):
    chosen = {"exact": 3, **SETTINGS}
    assert {path.name for path in written.iterdir()} >= FILES

    done = []

    def stop(progress):
        done.append(progress.windows_done)
        if len(done) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_gradients(reader, dev, tmp_path, on_progress=stop, **chosen)
    assert not (tmp_path / "gradients.csv").exists()

    numbers = []
    of_batch = BatchSums.of_batch
    monkeypatch.setattr(
        BatchSums,
        "of_batch",
        lambda self, number: numbers.append(number) or of_batch(self, number),
    )
    shown = []
    run_gradients(reader, dev, tmp_path, on_progress=shown.append, **chosen)
    assert numbers[0] == 2
    assert shown[0].windows_kept == done[-1]
    assert shown[-1].finished
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes(), name

    numbers.clear()
    run_gradients(reader, dev, tmp_path, **chosen)
    assert numbers == []


def test_another_run_does_not_take_its_sums(reader, dev, written):
    with pytest.raises(InputError, match="expected a checkpoint of this run"):
        run_gradients(reader, dev, written, exact=0, **SETTINGS)


def test_sums_of_an_earlier_version_are_not_added_to(
    reader, dev, tmp_path, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr(run_module, "NUMBERS_VERSION", 1)
        run_gradients(reader, dev, tmp_path, exact=0, **SETTINGS)
    with pytest.raises(
        InputError,
        match="Received: another run's. Choose another `output_dir`, or remove it.$",
    ):
        run_gradients(reader, dev, tmp_path, exact=0, **SETTINGS)
    (tmp_path / "gradients.safetensors").unlink()
    run_gradients(reader, dev, tmp_path, exact=0, **SETTINGS)


def test_the_record_says_what_was_run(dev, written):
    record = json.loads((written / run_module.RECORD_FILE).read_text())
    assert record["dataset"] == str(dev)
    assert len(record["exact"]) == 3
    assert record["content"]["settings"]["max_seq_length"] == 29
    assert "run.json" not in {path.name for path in written.iterdir()}


def test_answers_without_places_are_refused(reader, tmp_path):
    content = tiny_squad()
    for paragraph in content["data"][0]["paragraphs"]:
        for question in paragraph["qas"]:
            question["answers"][0]["answer_start"] = -1
    dev = write_json(tmp_path / "dev.json", content)
    with pytest.raises(InputError, match="Expected gold answers with their places"):
        run_gradients(reader, dev, tmp_path / "out", **SETTINGS)
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_not_finite_is_named(reader, dev):
    bias = reader.network.reader.span_head.bias
    value = variable_value(bias)
    bias.assign([np.nan, 0.0])
    try:
        with pytest.raises(InputError, match="Received: nan for question 'pass") as e:
            run_gradients(reader, dev, exact=0, **SETTINGS)
    finally:
        bias.assign(value)
    assert str(e.value).endswith(f" Machine: {describe_machine()}.")


def test_derivatives_that_are_not_finite_are_named(reader, dev, monkeypatch):
    derivatives = ReaderLoss.derivatives

    def spoiled(*arguments):
        found = derivatives(*arguments)
        found.by_closing[0, 2, 0, 1] = np.inf  # where the losses are all right
        return found

    monkeypatch.setattr(ReaderLoss, "derivatives", spoiled)
    with pytest.raises(
        InputError, match="Received: NaN or infinity in slope of batch 0, counted from"
    ) as e:
        run_gradients(reader, dev, exact=0, **SETTINGS)
    assert str(e.value).endswith(f" Machine: {describe_machine()}.")


def test_memory_that_does_not_suffice_is_one_line(reader, dev, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(ReaderLoss, "derivatives", fail)
    with pytest.raises(InputError, match="Expected memory for a backward pass over"):
        run_gradients(reader, dev, exact=0, **SETTINGS)


@only_tensorflow
def test_a_saved_model_is_refused(dev, tmp_path):
    tiny_model(**ONE_LAYER).export(tmp_path / "model", ExportOptions(answer=None))
    exported = load(tmp_path / "model")
    with pytest.raises(InputError, match="a loaded SavedModel, which only runs forwar"):
        run_gradients(exported, dev, tmp_path / "out", **SETTINGS)
    assert not (tmp_path / "out").exists()

"""Several models in one command: folders, checks, kills, memory, means."""

import gc
import json
import weakref
from functools import cache

import numpy as np
import pandas as pd
import pytest

import zonekeras
from tests.builders import ONE_LAYER, tiny_model, tiny_squad, write_json
from tests.sweeping.sweeps import SETTINGS, results
from zonekeras.analysis.folders import check_runs_dir, folder_names, run_folders
from zonekeras.analysis.joined_files import JOINED_FILES
from zonekeras.errors import InputError
from zonekeras.store.tidy import read_table
from zonekeras.sweeping import run_sweep, run_sweeps

MASKED = ["layer0:p2", "layer1:q2", "layer2.head1:p2q"]
SOURCES = ["models/seed-0", "models/seed-1"]
LAYERS = {"block_of_layer": (0, 1)}


@cache  # compiling takes longer than all that is run
def load(source):
    """A reader with random weights; the number in its name is the seed."""
    return tiny_model(seed=int(source[-1]), **(LAYERS if "flat" in source else {}))


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    return write_json(tmp_path_factory.mktemp("data") / "dev.json", tiny_squad())


def sweep_all(dev, directory, sources=SOURCES, **keywords):
    keywords = {"configurations": MASKED, "load": load} | SETTINGS | keywords
    return run_sweeps(sources, dev, directory, **keywords)


@pytest.fixture(scope="module")
def swept(dev, tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs")
    return directory, sweep_all(dev, directory)


def test_every_model_is_a_sweep_like_any_other(swept, dev, tmp_path):
    directory, _ = swept
    run_sweep(
        load(SOURCES[1]),
        dev,
        tmp_path,
        configurations=MASKED,
        model_name="seed-1",
        **SETTINGS,
    )
    assert results(directory / "seed-1") == results(tmp_path)
    assert run_folders(directory) == ["seed-0", "seed-1"]
    record = json.loads((directory / "run.json").read_text())
    assert [one["model"] for one in record["runs"]] == SOURCES


def test_the_means_are_those_of_the_runs(swept):
    directory, result = swept
    tables = [read_table(directory / f"seed-{seed}/results.parquet") for seed in (0, 1)]
    assert result.table["configuration"].tolist() == ["baseline", *MASKED]
    for column in ("exact_match", "f1", "exact_match_effect", "f1_effect"):
        mean = np.mean([table[column] for table in tables], axis=0)
        np.testing.assert_allclose(result.table[column], mean)
    deviation = np.std([table["f1_effect"] for table in tables], axis=0, ddof=1)
    np.testing.assert_allclose(result.table["f1_deviation"][1:], deviation[1:])
    pd.testing.assert_frame_equal(
        read_table(directory / "results.parquet"), result.table, check_dtype=False
    )
    assert set(JOINED_FILES) & {path.name for path in directory.iterdir()} == {
        "results.parquet",
        "results.csv",
        "runs.csv",
        "runs.parquet",
        "heatmap.pdf",
        "heatmap.png",
    }


def test_a_killed_command_goes_on(swept, dev, tmp_path):
    def stop(name, progress):
        if name == "seed-1" and progress.windows_done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep_all(dev, tmp_path, on_progress=stop)
    assert (tmp_path / "seed-0" / "results.csv").exists()
    assert not (tmp_path / "results.csv").exists()
    seen = {}
    sweep_all(dev, tmp_path, on_progress=lambda name, at: seen.setdefault(name, at))
    assert seen["seed-0"].windows_kept == seen["seed-0"].num_windows
    assert seen["seed-1"].windows_kept > 0
    for name in ("results.parquet", "results.csv", "runs.csv", "heatmap.png"):
        assert (tmp_path / name).read_bytes() == (swept[0] / name).read_bytes()


def test_one_model_is_in_memory_at_a_time(dev, tmp_path):
    alive = []

    def load_counted(source):
        gc.collect()
        assert [one for one in alive if one() is not None] == []
        model = tiny_model(seed=int(source[-1]), **ONE_LAYER)
        alive.append(weakref.ref(model.network))
        return model

    sweep_all(dev, tmp_path, load=load_counted, configurations=["layer0:p2"])
    assert len(alive) == 4  # each is loaded to be checked, then to be swept


def test_models_that_do_not_belong_together_are_refused_at_once(dev, tmp_path):
    def refused(sources, message, **keywords):
        with pytest.raises(InputError, match=message):
            sweep_all(dev, tmp_path / "out", sources, **keywords)
        assert not (tmp_path / "out").exists()

    refused(
        ["a/seed-0", "a/flat-1"],
        "Received: a/seed-0 and a/flat-1, with 3 and 2 layers",
        configurations=["layer0:p2"],
    )
    refused(["a/seed-0", "b/same-0"], "a/seed-0 and b/same-0, which have the same wei")
    refused(["a/seed-0"], r"^Expected at least two models, .* Received: 1\.$")
    refused(["a/seed-0", "a/./seed-0"], "a/seed-0 and a/./seed-0. Leave one out")
    refused(SOURCES, "^Expected layers 0 to 2", configurations=["layer7:p2"])


def test_folders_are_named_after_what_tells_sources_apart():
    assert list(folder_names(["models/seed-1", "models/seed-2"])) == [
        "seed-1",
        "seed-2",
    ]
    assert list(folder_names(["x/small/seed 1", "x/large/seed 1", "x/tiny/y"])) == [
        "small-seed_1",
        "large-seed_1",
        "tiny-y",
    ]


def test_a_directory_of_one_sweep_is_refused(tmp_path):
    (tmp_path / "sweep.sqlite").touch()
    with pytest.raises(InputError, match="which has the results of a single sweep."):
        check_runs_dir(tmp_path, ["a"])
    other = tmp_path / "other"
    other.mkdir()
    (other / "results.csv").touch()
    with pytest.raises(InputError, match=r"with results\.csv of unknown origin"):
        check_runs_dir(other, ["a"])
    (other / "run.json").write_text('{"runs": [{"folder": "a"}]}')
    check_runs_dir(other, ["a"])


def test_it_is_public():
    assert zonekeras.run_sweeps is run_sweeps

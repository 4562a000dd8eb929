"""A model directory is never half of one: killed at any moment, on a full disk."""

import shutil
import sys

import pytest

from tests.backends import only_tensorflow
from tests.builders import tiny_model
from tests.limits import file_size_limit
from zonekeras.graph.options import ExportOptions
from zonekeras.models.loading import load
from zonekeras.models.model_directory import check_target

pytestmark = only_tensorflow

NAMES = ("model.keras", "1/saved_model.pb", "1/variables/variables.index")
NO_TEXT = ExportOptions(answer=None)


class Snapshots:
    """Copies of a directory before every change: what a kill there would leave."""

    CHANGES = ("os.rename", "os.remove", "os.rmdir")

    def __init__(self):
        self.copies = []
        self._source = None
        sys.addaudithook(self._look)

    def during(self, write, source, target):
        """Runs what changes a directory; adds the copies to `copies`."""
        target.mkdir()
        self._target, self._source = target, source
        try:
            write()
        finally:
            self._copy()
            self._source = None

    def _look(self, event, arguments):
        if self._source is not None and event in self.CHANGES:
            self._copy()

    def _copy(self):
        source, self._source = self._source, None
        copy = self._target / str(len(self.copies))
        self.copies.append(shutil.copytree(source, copy))
        self._source = source


def contents(directory):
    """Returns the bytes of the files that have to belong together."""
    return {
        name: (directory / name).read_bytes()
        for name in NAMES
        if (directory / name).exists()
    }


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Two models written to one directory, and what kills on the way would leave."""
    work = tmp_path_factory.mktemp("killed")
    directory, snapshots, whole = work / "model", Snapshots(), {}
    for seed in (1, 2):
        model = tiny_model(seed=seed, block_of_layer=(0,))
        snapshots.during(
            lambda model=model: model.export(directory, NO_TEXT),
            directory,
            work / f"copies-{seed}",
        )
        description = (directory / "zonekeras.json").read_bytes()
        whole[description] = contents(directory)
    return directory, snapshots.copies, whole


def test_a_description_has_its_own_weights_beside_it_at_any_moment(killed):
    _, copies, whole = killed
    described = 0
    for copy in copies:
        found = contents(copy)
        if (copy / "zonekeras.json").exists():
            described += 1
            expected = whole[(copy / "zonekeras.json").read_bytes()]
            assert found == {name: expected[name] for name in found}
            assert "model.keras" in found
        else:
            assert not (copy / "1").exists()
    assert 0 < described < len(copies)


def test_a_model_can_be_written_wherever_a_kill_left_off(killed, tmp_path):
    directory, copies, _ = killed
    for copy in copies:
        check_target(copy)
    last_without = [copy for copy in copies if not (copy / "1").exists()][-1]
    assert (last_without / "zonekeras.json").exists()
    model = tiny_model(seed=2, block_of_layer=(0,))
    model.export(last_without, NO_TEXT)
    assert sorted(path.name for path in last_without.iterdir()) == sorted(
        path.name for path in directory.iterdir()
    )
    assert load(last_without).fingerprint() == model.fingerprint()


@pytest.mark.parametrize("name", ["model.keras", "1/saved_model.pb"])
def test_a_full_disk_is_an_os_error_and_the_old_model_stays(killed, name):
    """The file of that name is the first that does not fit."""
    directory, _, _ = killed
    before = sorted(directory.rglob("*")), contents(directory)
    limit = (directory / "model.keras").stat().st_size
    assert (directory / "1/saved_model.pb").stat().st_size > 2 * limit
    with (
        file_size_limit(limit // 2 if name == "model.keras" else limit + 1000),
        pytest.raises(OSError, match="(?i)file too large|cannot write"),
    ):
        tiny_model(seed=3, block_of_layer=(0,)).export(directory, NO_TEXT)
    assert (sorted(directory.rglob("*")), contents(directory)) == before

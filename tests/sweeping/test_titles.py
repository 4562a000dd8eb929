"""A title that is corrected reaches a run that is finished."""

import json

import pytest

from tests.builders import tiny_squad, write_json
from tests.sweeping.sweeps import SETTINGS
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.sweeping import run_sweep

pytestmark = pytest.mark.both_backends


def test_a_corrected_title_reaches_the_store(reader, tmp_path):
    content = tiny_squad()
    settings = SETTINGS | {"configurations": ["layer0:q2"]}
    keys = []
    for title in ("Wrong title", "Right title"):
        content["data"][0]["title"] = title
        dev = write_json(tmp_path / "dev.json", content)
        run_sweep(reader, dev, tmp_path / "out", **settings)
        with SweepStore(tmp_path / "out" / STORE_FILE, read_only=True) as store:
            assert store.runs() == [1]
            keys.append(store.key(1))
            stored = json.loads(store.data(1).text)
            assert stored["data"][0]["title"] == title
    assert keys[0] == keys[1]

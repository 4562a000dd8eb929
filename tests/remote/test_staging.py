"""Local places of remote files: fetched, worked on, written back."""

from types import SimpleNamespace

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from zonekeras.errors import InputError
from zonekeras.remote import working_copy
from zonekeras.remote.staging import Staging
from zonekeras.remote.writer_mark import MARK_FILE


def test_files_directories_and_checkpoints_are_fetched(bucket):
    bucket["dev.json"] = b"data"
    bucket["bert/bert_model.ckpt.index"] = b"i"
    bucket["bert/bert_model.ckpt.data-00000-of-00001"] = b"d"
    bucket["bert/vocab.txt"] = b"v"
    bucket["reader/zonekeras.json"] = b"{}"
    bucket["reader/1/variables/variables.index"] = b"x"
    bucket["reader/checkpoints/last.safetensors"] = b"only to go on training"
    with Staging() as staging:
        dev = staging.fetch(f"{bucket.url}/dev.json")
        assert dev.read_bytes() == b"data"
        assert staging.named(f"{dev}: damaged") == "memory://bucket/dev.json: damaged"
        reader = staging.fetch(f"{bucket.url}/reader")
        found = sorted(path.name for path in reader.rglob("*") if path.is_file())
        assert found == ["variables.index", "zonekeras.json"]
        prefix = staging.fetch_checkpoint(f"{bucket.url}/bert/bert_model.ckpt")
        assert prefix.name == "bert_model.ckpt"
        assert sorted(path.name for path in prefix.parent.iterdir()) == [
            "bert_model.ckpt.data-00000-of-00001",
            "bert_model.ckpt.index",
        ]
        for fetch, name in (
            (staging.fetch, "nothing"),
            (staging.fetch_checkpoint, "bert/bert"),
        ):
            with pytest.raises(InputError, match="nothing is there"):
                fetch(f"{bucket.url}/{name}")
        with pytest.raises(InputError, match="an address such as gs://bucket/name"):
            staging.fetch(f"{bucket.url}/../etc")
    assert not dev.exists()


def test_a_directory_is_gone_on_with_and_written_back(bucket, monkeypatch):
    bucket["out/sweep.sqlite"] = b"one"
    bucket["out/results.csv"] = b"old"
    bucket["out/same.csv"] = b"same"
    calls = []
    for method in ("put_file", "rm_file"):
        monkeypatch.setattr(MemoryFileSystem, method, noted(method, calls))
    with Staging() as staging:
        copy = staging.working_copy(f"{bucket.url}/out")
        assert (copy.path / "sweep.sqlite").read_bytes() == b"one"
        (copy.path / "sweep.sqlite").write_bytes(b"two")
        (copy.path / "results.csv").unlink()
        for name in ("1/variables/x", "1/saved_model.pb", "zonekeras.json"):
            (copy.path / name).parent.mkdir(parents=True, exist_ok=True)
            (copy.path / name).write_bytes(b"new")
        for name in (".sweep.lock", "sweep.sqlite-journal"):
            (copy.path / name).write_bytes(b"of this machine alone")
    assert bucket["out/sweep.sqlite"] == b"two"
    assert bucket.names() == [
        f"out/{name}"
        for name in (
            "1/saved_model.pb",
            "1/variables/x",
            "same.csv",
            "sweep.sqlite",
            "zonekeras.json",
        )
    ]
    # First what goes, then what work is continued from; a SavedModel last.
    assert calls == [
        ("rm_file", "results.csv"),
        ("put_file", "sweep.sqlite"),
        ("put_file", "zonekeras.json"),
        ("put_file", "saved_model.pb"),
        ("put_file", "x"),
        ("rm_file", MARK_FILE),
    ]


def noted(method, calls):
    original = getattr(MemoryFileSystem, method)

    def call(self, *paths, **more):
        name = paths[-1].rpartition("/")[2]
        if name.endswith(".tmp"):  # .NAME.DIGITS.tmp, renamed after it
            name = name[1:].rsplit(".", 2)[0]
        if not (method == "rm_file" and paths[-1].endswith(".tmp")):
            calls.append((method, name))
        return original(self, *paths, **more)

    return call


def test_it_is_written_now_and_then(bucket, monkeypatch):
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(working_copy, "time", clock)
    with Staging() as staging:
        copy = staging.working_copy(f"{bucket.url}/out")
        seen = []
        call = copy.after(seen.append)
        (copy.path / "a").write_bytes(b"1")
        clock.now += working_copy.SECONDS_BETWEEN_UPLOADS - 1
        call("not yet")
        assert bucket.names() == [f"out/{MARK_FILE}"]
        clock.now += 1
        call("now")
        assert bucket["out/a"] == b"1"
        clock.now += working_copy.SECONDS_BETWEEN_UPLOADS
        (copy.path / "a").write_bytes(b"22")
        with monkeypatch.context() as patch:
            patch.setattr(MemoryFileSystem, "put_file", refused)
            with pytest.warns(UserWarning, match=r"no quota.*The work goes on\.$"):
                call("the network is away")
        assert bucket["out/a"] == b"1"
        assert seen == ["not yet", "now", "the network is away"]
    assert bucket["out/a"] == b"22"


def refused(self, *paths, **more):
    raise PermissionError("no quota")


def test_what_cannot_be_written_back_is_kept(bucket, monkeypatch):
    staging = Staging()
    message = r"no quota.*What was made is kept in (/\S+)\.$"
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "put_file", refused)
        with pytest.raises(InputError, match=message), staging:
            copy = staging.working_copy(f"{bucket.url}/out")
            (copy.path / "a").write_bytes(b"1")
    assert (copy.path / "a").read_bytes() == b"1"
    assert bucket.names() == []


def test_after_an_error_the_rest_is_written_back(bucket):
    with pytest.raises(KeyboardInterrupt), Staging() as staging:
        out = staging.working_copy(f"{bucket.url}/out")
        table = staging.output_file(f"{bucket.url}/tables/cells.csv")
        staging.output_file(f"{bucket.url}/never.csv")
        (out.path / "a").write_bytes(b"1")
        table.write_bytes(b"2")
        raise KeyboardInterrupt
    assert bucket.names() == ["out/a", "tables/cells.csv"]


def test_what_is_discarded_goes_nowhere(bucket):
    bucket["out/sweep.sqlite"] = b"another process's"
    with Staging() as staging:
        place = staging.discarded(f"{bucket.url}/out")
        assert staging.named(f"{place}: full") == "memory://bucket/out: full"
        assert not place.exists()
        place.mkdir(parents=True)
        (place / "a").write_bytes(b"1")
    assert not place.exists()
    assert bucket.names() == ["out/sweep.sqlite"]


def test_a_file_is_no_directory(bucket):
    bucket["out"] = b"x"
    with Staging() as staging, pytest.raises(InputError, match="Received: a file"):
        staging.working_copy(f"{bucket.url}/out", alone=False)

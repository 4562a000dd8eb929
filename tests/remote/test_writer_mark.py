"""Who writes to a remote directory: one, seen by others, until it is gone."""

import json

import pytest

from zonekeras.errors import InputError
from zonekeras.remote import writer_mark
from zonekeras.remote.location import RemoteLocation
from zonekeras.remote.writer_mark import MARK_FILE, TakenOverError, WriterMark


@pytest.fixture
def location(bucket):
    return RemoteLocation(f"{bucket.url}/out")


def made_older(bucket, seconds):
    content = json.loads(bucket[f"out/{MARK_FILE}"])
    content["time"] -= seconds
    bucket[f"out/{MARK_FILE}"] = json.dumps(content).encode()


def test_one_at_a_time(bucket, location):
    mark = WriterMark(location)
    message = (
        r"Expected to be the only one that writes to memory://bucket/out\. Received: "
        r"process \d+ on \S+ did so [01] s ago\. Wait for it, or choose another "
        r"directory\. If it was killed, start again in (180|179) s, or remove "
        rf"memory://bucket/out/{MARK_FILE}\.$"
    )
    with pytest.raises(InputError, match=message):
        WriterMark(location)
    mark.check()
    mark.release()
    assert bucket.names() == []
    WriterMark(location).release()


def test_who_says_nothing_for_three_minutes_has_lost_it(bucket, location):
    dead = WriterMark(location)
    made_older(bucket, 181)
    other = WriterMark(location)
    with pytest.raises(TakenOverError, match=r"process \d+ on \S+ has taken over"):
        dead.check()
    dead.release()  # which leaves the other's alone
    other.check()
    other.release()


def test_the_holder_says_that_it_is_alive(bucket, location, monkeypatch):
    monkeypatch.setattr(writer_mark, "REFRESH_SECONDS", 0.01)
    mark = WriterMark(location)
    made_older(bucket, 1000)
    for _ in range(1000):
        if b"time" in bucket[f"out/{MARK_FILE}"]:
            content = json.loads(bucket[f"out/{MARK_FILE}"])
            if content["time"] > writer_mark.time.time() - 100:
                break
        writer_mark.time.sleep(0.01)
    else:
        pytest.fail("the mark was not refreshed")
    mark.release()


def test_a_damaged_mark_is_nobodys(bucket, location):
    bucket[f"out/{MARK_FILE}"] = b"{no json"
    WriterMark(location).release()

import numpy as np
import pytest

from zonekeras.data.spans import WindowSpans

SPANS = WindowSpans(
    start=np.array([3, -1, 70000], np.int32),
    end=np.array([9, -1, 70001], np.int32),
    score=np.array([1.25, -np.inf, -1e-300]),
    null_score=np.array([0.1, -0.0, np.nan]),
)


def test_bytes_and_back_are_exact():
    content = SPANS.to_bytes()
    assert len(content) == 3 * 24
    assert content[:8] == b"\x03\0\0\0\x09\0\0\0"
    back = WindowSpans.from_bytes(content)
    for name in ("start", "end", "score", "null_score"):
        np.testing.assert_array_equal(getattr(back, name), getattr(SPANS, name))
        assert getattr(back, name).dtype == getattr(SPANS, name).dtype
    assert back.to_bytes() == content
    back.start[0] = 4  # not a view of read-only bytes


def test_bytes_that_are_cut_off_are_refused():
    with pytest.raises(ValueError, match="buffer size"):
        WindowSpans.from_bytes(SPANS.to_bytes()[:-1])


def test_parts_make_a_whole_and_can_be_put_in_order():
    joined = WindowSpans.concatenate([SPANS, SPANS.take(np.array([2, 0]))])
    assert joined.start.tolist() == [3, -1, 70000, 70000, 3]
    assert len(joined) == 5
    assert joined.take(np.array([1, 4])).end.tolist() == [-1, 9]

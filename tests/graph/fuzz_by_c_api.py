"""Sends hypothesis' requests to a SavedModel in a process without TensorFlow's Python.

Usage: fuzz_by_c_api.py SAVED_MODEL

A server hands on what comes in without a look at its shape, and what ends its process
ends it for everybody. So whatever a request holds, it is answered or refused, and a
good request after it gets the answer that it got at first. Every request is printed
before it is run: the last one printed is the one that ended the process.
"""

import sys

import numpy as np
from hypothesis import Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tests.builders import WORDS
from tests.graph.c_api import CSession, text_op_libraries

NAMES = ("question", "passage", "mask")
GOOD = (b"which city?", b"the river flows north past the old town", b"layer1:p2q")
TRIED = settings(max_examples=50, deadline=None, verbosity=Verbosity.verbose)

TEXTS = st.one_of(
    st.text(max_size=200).map(str.encode),
    st.binary(max_size=200),
    st.lists(st.sampled_from([*WORDS, "é", "\u0301", "\n"]))
    .map(" ".join)
    .map(str.encode),
)
MASKS = st.one_of(
    st.sampled_from([b"layer1:p2", b"layer1.head0:p2", b"layer2:q2;", b"all-layers:"]),
    TEXTS,
)
NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 4, 5, 46, 47, 2**31 - 1])
GATES = st.sampled_from([0.0, 1.0, -1.0, 0.5, np.nan, np.inf, -np.inf, 1e38])
ANY_SHAPE = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
# Some windows are longer than the model's 61 positions.
SHAPES = st.one_of(ANY_SHAPE, st.tuples(st.integers(0, 3), st.integers(0, 70)))
TABLE_SHAPES = st.one_of(
    array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=5),
    st.tuples(*[st.integers(0, 3)] * 3, st.just(5), st.just(5)),
)


@st.composite
def requests(draw, signature):
    """Draws a request of any shapes, in half of the cases the same for all inputs."""
    is_text = signature in ("answer", "set_mask")
    shapes = ANY_SHAPE if is_text else SHAPES
    if draw(st.booleans()):
        shapes = st.just(draw(shapes))

    def array(elements):
        dtype = object if is_text else np.int64
        return draw(arrays(dtype, shapes, elements=elements))

    if signature == "answer":
        return {name: array(TEXTS) for name in NAMES}
    if signature == "set_mask":
        return {"mask": array(MASKS)}
    if signature == "get_mask":
        return {"row": array(NUMBERS)}
    inputs = {name: array(NUMBERS) for name in ("token_ids", "segment_ids", "roles")}
    if signature != "logits":
        inputs["zone_tables"] = draw(arrays(np.float64, TABLE_SHAPES, elements=GATES))
    return inputs


def ask(session, rows):
    """Asks (question, passage, mask); returns a row of outputs for each."""
    columns = np.array(rows, object).reshape(-1, 3).T
    outputs = session.run("answer", **dict(zip(NAMES, columns, strict=True)))
    return [
        dict(zip(outputs, values, strict=True))
        for values in zip(*outputs.values(), strict=True)
    ]


def assert_same(found, expected):
    """Compares rows of outputs; batches of another size round differently."""
    for name, value in expected.items():
        if isinstance(value, np.floating):
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-4)
        else:
            assert found[name] == value, name


def fuzz_rows(session, expected):
    """Rows that hold anything: each has an answer or a message, none is refused."""

    @given(st.lists(st.tuples(TEXTS, TEXTS, MASKS), max_size=4), st.integers(0, 4))
    @TRIED
    def check(rows, place):
        place = min(place, len(rows))
        outputs = ask(session, [*rows[:place], GOOD, *rows[place:]])
        assert_same(outputs.pop(place), expected)
        for row in outputs:
            answer, start, end = row["answer"], row["start"], row["end"]
            answer.decode()
            row["error"].decode()
            assert start == end == -1 if answer == b"" else end > start >= 0

    check()


def fuzz_requests(session, expected, signature):
    """Requests of any shape: the next one is answered all the same."""

    @given(requests(signature))
    @TRIED
    def check(inputs):
        try:
            session.run(signature, **inputs)
        except RuntimeError:
            pass  # refused
        [found] = ask(session, [GOOD])
        assert_same(found, expected)

    check()


def main(saved_model):
    """Fuzzes all signatures."""
    session = CSession(saved_model, text_op_libraries())
    [expected] = ask(session, [GOOD])
    assert expected["answer"] and not expected["error"]
    fuzz_rows(session, expected)
    for signature in session.signatures:
        print(f"--- {signature}", flush=True)
        fuzz_requests(session, expected, signature)
    assert not {"tensorflow", "keras"} & set(sys.modules)


if __name__ == "__main__":
    main(*sys.argv[1:])

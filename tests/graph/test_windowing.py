"""Windows in a graph, against those of `data`, which are tested against the script."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import VOCABULARY, WORDS
from zonekeras.data.features import build_features
from zonekeras.data.squad import Passage, Question, SquadDataset
from zonekeras.data.windows import slide
from zonekeras.tokenizing.definitions import PAIR_LAYOUTS
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

tf = pytest.importorskip("tensorflow", reason="graphs are TensorFlow's")

FIELDS = ("start", "length", "context_start", "context_stop")


@given(
    st.lists(
        st.tuples(st.integers(0, 150), st.integers(1, 40)), min_size=1, max_size=6
    ),
    st.integers(1, 50),
)
@settings(max_examples=200, deadline=None)
def test_windows_are_those_of_the_python_path(rows, doc_stride):
    from zonekeras.graph.windowing import slide as slide_in_graph

    lengths, rooms = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    expected = slide(lengths, rooms, doc_stride)
    found = slide_in_graph(tf.constant(lengths), tf.constant(rooms), doc_stride)
    np.testing.assert_array_equal(found.row, expected.question_index)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("style", PAIR_LAYOUTS)
def test_features_are_those_of_the_python_path(style):
    from zonekeras.graph.windowing import Featurizer, cut
    from zonekeras.graph.windowing import slide as slide_in_graph
    from zonekeras.graph.wordpiece import GraphWordPiece

    random = np.random.default_rng(3)
    texts = [" ".join(random.choice(WORDS, size)) for size in (3, 40, 0, 97)]
    asked = [" ".join(random.choice(WORDS, size)) for size in (2, 13, 5, 0)]
    passages = [
        Passage(str(row), text, (Question(str(row), question, ()),))
        for row, (text, question) in enumerate(zip(texts, asked, strict=True))
    ]
    tokenizer = ReaderTokenizer.from_wordpiece(VOCABULARY, lowercase=True, style=style)
    length, stride, longest = 29, 7, 11
    features = build_features(
        SquadDataset("", tuple(passages), False, 0, 0),
        tokenizer,
        max_seq_length=length,
        doc_stride=stride,
        max_query_length=longest,
    )
    windows = np.array([1, 0, features.num_windows - 1, 4])
    width = int(features.lengths[windows].max())
    expected = features.arrays(windows, width)

    in_graph = GraphWordPiece(tokenizer)
    questions = cut(in_graph(tf.constant(asked)), longest)
    read = in_graph(tf.constant(texts))
    rooms = length - 2 - tokenizer.num_separators_between - questions.lengths()
    laid = slide_in_graph(read.lengths(), rooms, stride)
    found = Featurizer(tokenizer, questions, read, laid)
    np.testing.assert_array_equal(found.lengths, features.lengths)
    batch = found.batch(tf.constant(windows))
    assert sorted(batch.inputs) == sorted(expected)
    for name, array in expected.items():
        assert batch.inputs[name].dtype == tf.int32
        np.testing.assert_array_equal(batch.inputs[name], array)
    for name in ("start_allowed", "end_allowed"):
        expected_mask = getattr(features, name)(windows, width)
        np.testing.assert_array_equal(getattr(batch, name), expected_mask)
    np.testing.assert_array_equal(batch.real, expected["roles"] > 0)

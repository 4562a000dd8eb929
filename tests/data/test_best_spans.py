"""Decoding a batch that was run under several configurations."""

import numpy as np
import pytest

from tests.builders import tiny_squad, tiny_tokenizer, write_json
from zonekeras.data.best_spans import decode_batch
from zonekeras.data.decoding import decode_windows
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad

pytestmark = pytest.mark.both_backends

C, LENGTH = 3, 29
NAMES = ("start", "end", "score", "null_score")


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    path = write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())
    return build_features(
        read_squad(path), tiny_tokenizer(), max_seq_length=LENGTH, doc_stride=7
    )


def random_logits(num_windows, seed=0):
    """Returns logits with many ties."""
    random = np.random.default_rng(seed)
    logits = random.integers(-3, 4, (C, num_windows, LENGTH, 2)) / np.float32(4)
    return logits.astype(np.float32)


@pytest.mark.parametrize("padding_competes", [False, True])
def test_equals_decoding_one_by_one(features, padding_competes):
    windows = np.array([5, 0, 17, 2, 11], np.int32)
    logits = random_logits(len(windows))
    logits[1, 2] = -100  # an early tie of everything
    how = {"n_best_size": 4, "max_answer_length": 3}
    found = decode_batch(
        logits, features, windows, padding_competes=padding_competes, **how
    )
    assert len(found) == C
    for configuration in range(C):
        for row, window in enumerate(windows):
            length = LENGTH if padding_competes else int(features.lengths[window])
            one = logits[configuration, row : row + 1, :length]
            answers = decode_windows(
                one[..., 0],
                one[..., 1],
                features.start_allowed([window], length),
                features.end_allowed([window], length),
                np.ones((1, length), bool),
                **how,
            )
            expected = features.window_spans([window], answers)
            for name in NAMES:
                values = getattr(found[configuration], name)
                assert values[row] == getattr(expected, name)[0]
                assert len(values) == len(windows)


def test_padding_plays_a_part_only_where_it_competes(features):
    short = np.flatnonzero(features.lengths <= LENGTH - 4)[:1].astype(np.int32)
    logits = random_logits(1)
    padded = logits.copy()
    padded[:, :, features.lengths[short[0]] :] = 99
    how = {"n_best_size": 4}
    same, other = (
        decode_batch(one, features, short, **how) for one in (logits, padded)
    )
    for name in NAMES:
        for one, two in zip(same, other, strict=True):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    # Padding takes all places among the best.
    crowded_out = decode_batch(padded, features, short, padding_competes=True, **how)
    assert [spans.score.tolist() for spans in crowded_out] == [[-np.inf]] * C

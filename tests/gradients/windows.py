"""A batch of windows of the tiny reader, and its loss in plain NumPy."""

import numpy as np

from tests.oracle import CLS, PAD, PASSAGE, QUESTION, SEP, numpy_reader_logits

# Two windows, the second padded; the second lacks the answer.
ROLES = np.array(
    [
        [CLS, QUESTION, QUESTION, QUESTION, SEP, *[PASSAGE] * 5, SEP],
        [CLS, QUESTION, QUESTION, SEP, *[PASSAGE] * 4, SEP, PAD, PAD],
    ],
    np.int32,
)
TARGETS = np.array([[6, 8], [0, 0]], np.int32)
INPUTS = {
    "token_ids": np.random.default_rng(7).integers(5, 40, ROLES.shape).astype(np.int32),
    "segment_ids": (ROLES == PASSAGE).astype(np.int32),
    "roles": ROLES,
}


def numpy_losses(logits, targets=TARGETS, roles=ROLES):
    """Cross-entropy of start and end over the tokens that are no padding, float64."""
    losses = []
    for scores, target, row in zip(logits, targets, roles, strict=True):
        tokens = np.asarray(scores, np.float64)[row != PAD]
        shares = np.exp(tokens) / np.exp(tokens).sum(axis=0)
        losses.append(-np.log(shares[target, [0, 1]]).mean())
    return np.array(losses)


def oracle_losses(config, weights, tables):
    """The losses of the windows under zone tables [L, 1 or N, R, R], float64."""
    return numpy_losses(numpy_reader_logits(weights, config, **INPUTS, tables=tables))


def central_difference(function, step):
    """The derivative of a function at 0, with an error of the fourth order."""
    wide = (function(step) - function(-step)) / (2 * step)
    narrow = (function(step / 2) - function(-step / 2)) / step
    return (4 * narrow - wide) / 3

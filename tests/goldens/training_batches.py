"""The batches that the golden training losses belong to, by plain arithmetic.

Read by the script that makes the goldens and by the test that compares.
"""

import numpy as np

STEPS, BATCH, LENGTH, VOCABULARY = 20, 5, 17, 59


def training_batch(step):
    """Returns a step's inputs [B, T], lengths [B] and targets [B, 2].

    Some windows lack the answer (0, 0), and most are padded.
    """
    rows = np.arange(BATCH)[:, None]
    places = np.arange(LENGTH)[None, :]
    lengths = LENGTH - (3 * rows[:, 0] + step) % 7
    is_token = places < lengths[:, None]
    tokens = 5 + (17 * places + 29 * rows + 11 * step + places * rows) % 53
    segments = (places > 4 + rows % 3).astype(int)
    starts = 8 + (rows[:, 0] + step) % 2
    targets = np.stack([starts, starts + rows[:, 0] % 2], axis=1)
    targets[(rows[:, 0] + step) % 5 == 3] = 0
    inputs = {
        "token_ids": np.where(is_token, tokens, 0).astype(np.int32),
        "segment_ids": np.where(is_token, segments, 0).astype(np.int32),
    }
    return inputs, lengths, targets.astype(np.int32)


def training_classes(step):
    """Returns the class of each window of a step, int32 [B], 0 to 2."""
    rows = np.arange(BATCH)
    return ((rows * rows + 2 * step + rows * step) % 3).astype(np.int32)

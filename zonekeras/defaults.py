"""Defaults that the library and the command line share: the protocol's.

Source: STAR Protocols 3, 101481 (2022), and the `run_squad.py` it runs. Pure constants,
so that a command can show them without importing anything.
"""

MAX_SEQ_LENGTH = 512
"""Tokens in a window, question and special tokens included."""

DOC_STRIDE = 128
"""Tokens from one window of a long passage to the next."""

MAX_QUERY_LENGTH = 64
"""Tokens of a question; what is longer is cut."""

N_BEST_SIZE = 20
"""Start and end positions paired in a window."""

MAX_ANSWER_LENGTH = 30
"""Tokens of the longest answer."""

NULL_SCORE_DIFF_THRESHOLD = 0.0
"""How far the null score must lead for "no answer"."""

TOKEN_BUDGET = 2048
"""Tokens run at once, padding counted, where batches are made by length."""

TRAIN_BATCH_SIZE = 64
"""Windows in a training step."""

LEARNING_RATE = 3e-5
"""The learning rate at its highest."""

NUM_TRAIN_EPOCHS = 3.0
"""Passes over the training file."""

WARMUP_PROPORTION = 0.1
"""Part of the steps in which the learning rate rises."""

WEIGHT_DECAY = 0.01
"""Decoupled decay of the weights that decay."""

MAX_GRADIENT_NORM = 1.0
"""To what norm all gradients together are cut."""

EPSILON = 1e-6
"""Added to the square root of AdamW's mean squared gradient; PyTorch has 1e-8."""

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
"""The types to compute in; weights are float32 in any case."""

KEEPS = ("last", "best")
CLASS_WEIGHTS = ("none", "balanced")
"""Which weights of a training run can become the model."""

SERVED_ROWS = 32
"""Questions in one request to a server, and in one of its batches."""

ATTENTION_QUESTIONS = 50
"""For how many questions the sweep command keeps where the unmasked model attends."""

MAX_QUESTION_CHARACTERS = 10_000
"""Unicode characters of the longest question that is read."""

MAX_PASSAGE_CHARACTERS = 100_000
"""Unicode characters of the longest passage that is read."""

MAX_MASK_CHARACTERS = 1_000
"""Unicode characters of the longest mask that is read."""

NO_SPAN_SCORE = -3.4028234663852886e38
"""Score of a served row without a valid span: the lowest float32."""

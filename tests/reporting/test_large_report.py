"""A report as large as that of SQuAD's dev set under all cells of 12 layers.

It has what a sweep stores by default, also where 12 heads attend in 50 questions.
"""

import numpy as np
import pytest

from tests.builders import WORDS, tiny_tokenizer
from tests.reporting.browser import CHROMIUM, open_browser
from tests.reporting.stores import write_store
from zonekeras.analysis.attention_examples import encode_example, example_windows
from zonekeras.data.features import build_features
from zonekeras.data.squad import Answer, Passage, Question, SquadDataset
from zonekeras.reporting import write_report
from zonekeras.reporting.attention_payload import MOST_BYTES, attention_payload
from zonekeras.reporting.page import to_script_json
from zonekeras.store.sweep_store import (
    STORE_FILE,
    StoredAnswer,
    StoredAttention,
    StoredBatch,
    SweepStore,
)
from zonekeras.zones import FOUR_ZONES, cells

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, which is not there"),
]
NUM_PASSAGES, NUM_QUESTIONS, NUM_LAYERS, NUM_HEADS = 2_067, 10_570, 12, 12
NUM_EXAMPLES = 50
WORDS_OF_A_PASSAGE = 123
# One word in five has a comma: with the question, some 165 words are in a window.
WRITTEN = [*WORDS * 4, *(f"{word}," for word in WORDS)]
LARGEST_WITHOUT_EXAMPLES = 7_000_000


def spans_of(text, generator, size):
    """Random spans of one to four words, as (start, end) characters."""
    starts = [0, *(at + 1 for at, sign in enumerate(text) if sign == " ")]
    ends = [*(start - 1 for start in starts[1:]), len(text)]
    firsts = generator.integers(len(starts) - 4, size=size)
    lengths = generator.integers(4, size=size)
    return [
        (starts[first], ends[first + more])
        for first, more in zip(firsts.tolist(), lengths.tolist(), strict=True)
    ]


def attention_of(features, generator):
    """Random attention, stored as a sweep does it.

    Heads differ in how sharp they are. A weight takes about as many bits as those of
    the MiniLM in docs/controls.md, 0.9 of them.
    """
    examples = {}
    for window, question in example_windows(features, NUM_EXAMPLES).items():
        length = int(features.lengths[window])
        logits = generator.standard_normal(
            (NUM_LAYERS, NUM_HEADS, length, length), np.float32
        )
        logits *= np.linspace(1, 4, NUM_HEADS, dtype=np.float32)[:, None, None]
        weights = np.exp(logits)
        weights /= weights.sum(axis=-1, keepdims=True)
        examples[question] = encode_example(features, window, weights)
    shares = generator.dirichlet(
        np.ones(1 + len(FOUR_ZONES)), size=(NUM_LAYERS, NUM_HEADS)
    )
    return StoredAttention(features.num_windows * shares[..., 1:], examples)


def put_attention(directory, dataset, generator):
    """Adds to a store where the unmasked model attends, as if in one batch."""
    features = build_features(dataset, tiny_tokenizer())
    windows = np.arange(features.num_windows, dtype=np.int32)
    batch = StoredBatch(int(features.lengths.max()), windows, features.question_index)
    with SweepStore(directory / STORE_FILE) as store:
        store.record_batches(1, [batch])
        store.put_attention(1, {0: attention_of(features, generator)})


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Gold answers, and of every question two answers that cells choose from."""
    generator = np.random.default_rng(0)
    counts = np.diff(
        [
            0,
            *np.sort(generator.choice(NUM_QUESTIONS - 1, NUM_PASSAGES - 1, False) + 1),
            NUM_QUESTIONS,
        ]
    )
    passages, right, wrong = [], [], []
    for number, count in enumerate(counts.tolist()):
        text = " ".join(generator.choice(WRITTEN, WORDS_OF_A_PASSAGE))
        spans = spans_of(text, generator, 2 * count)
        questions = [
            Question(
                f"{number}-{row}",
                f"Which {' '.join(generator.choice(WORDS, 10))}?",
                (Answer(text[start:end], start),) * 3,
            )
            for row, (start, end) in enumerate(spans[:count])
        ]
        passages.append(Passage(f"Article {number // 43}", text, tuple(questions)))
        for found, part in ((right, spans[:count]), (wrong, spans[count:])):
            found += [
                StoredAnswer(text[start:end], start, end, 1.0, 0.0, -1.0)
                for start, end in part
            ]
    found = {}
    for name in ("baseline", *map(str, cells(NUM_LAYERS))):
        is_wrong = generator.random(NUM_QUESTIONS) < 0.15
        found[name] = [
            other if changed else answer
            for answer, other, changed in zip(right, wrong, is_wrong, strict=True)
        ]
    directory = tmp_path_factory.mktemp("large")
    dataset = SquadDataset("dev.json", tuple(passages), False, 0, 0)
    write_store(
        directory, found, planned=list(found), dataset=dataset, num_layers=NUM_LAYERS
    )
    put_attention(directory, dataset, generator)
    return write_report(directory)


def test_its_size(report):
    with SweepStore(report.path.parent / STORE_FILE, read_only=True) as store:
        shown = attention_payload(store, 1)
    num_bytes = len(to_script_json(shown).encode())
    assert 155 < np.mean([len(one["words"]) for one in shown["examples"]]) < 175
    assert shown["num_kept"] == NUM_EXAMPLES
    assert 0.75 * MOST_BYTES < num_bytes < 1.05 * MOST_BYTES
    assert report.num_bytes - num_bytes < LARGEST_WITHOUT_EXAMPLES


def test_it_opens_in_less_than_three_seconds(report, tmp_path):
    """By the processor time of the page's thread: others may run on the machine."""
    assert (report.num_questions, report.num_configurations) == (NUM_QUESTIONS, 61)
    with open_browser(tmp_path) as page:
        page.call("Performance.enable", timeDomain="threadTicks")
        page.open(report.path)
        found = page.call("Performance.getMetrics")["metrics"]
        [seconds] = [one["value"] for one in found if one["name"] == "TaskDuration"]
        assert 0 < seconds < 3.0
        stated = page.run("document.querySelector('footer').textContent")
        assert f"one file of {report.num_bytes / 1e6:6.1f} MB" in stated
        count = "document.getElementById('questions-count').textContent"
        page.click('[data-configuration="7"]')
        page.wait_for(f"/^1 to 25 of /.test({count})")
        page.click('[data-value="all"]')
        page.wait_for(f"{count} === '1 to 25 of 10,570'")
        page.click("#tab-attention")
        pair = "document.getElementById('attention-pair').textContent"
        page.wait_for(f"{pair}.startsWith('“[CLS]” (CLS) attends to “[CLS]” (CLS)')")
        canvas = "document.getElementById('attention-matrix')"
        inside = "getContext('2d').getImageData(110, 110, 2000, 2000).data"
        page.wait_for(
            f"{canvas}.{inside}.filter((value, at) => at % 4 === 3 && value).length"
            " > 100_000"
        )
        assert page.exceptions == []

"""A report as large as that of SQuAD's dev set under all cells of 12 layers."""

import numpy as np
import pytest

from tests.builders import WORDS
from tests.reporting.browser import CHROMIUM, open_browser
from tests.reporting.stores import write_store
from zonekeras.data.squad import Answer, Passage, Question, SquadDataset
from zonekeras.reporting import write_report
from zonekeras.results.store import StoredAnswer
from zonekeras.zones import cells

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, which is not there"),
]
NUM_PASSAGES, NUM_QUESTIONS, NUM_LAYERS = 2_067, 10_570, 12
WORDS_OF_A_PASSAGE = 123


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
        text = " ".join(generator.choice(WORDS, WORDS_OF_A_PASSAGE))
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
    return write_report(directory)


def test_it_opens_in_less_than_three_seconds(report, tmp_path):
    """By the processor time of the page's thread: others may run on the machine."""
    assert (report.num_questions, report.num_configurations) == (NUM_QUESTIONS, 61)
    assert report.num_bytes < 10_000_000
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
        assert page.exceptions == []

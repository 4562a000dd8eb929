"""The page of classified texts: its data by hand, and the page in a real browser."""

import json
import math
import re
import zlib

import numpy as np
import pytest

from tests.reporting.browser import CHROMIUM, open_browser
from tests.reporting.stores import HOSTILE
from tests.reporting.text_stores import FOUND, GOLD, LABELS, write_text_store
from zonekeras.analysis.attention_examples import NUM_STEPS
from zonekeras.reporting import write_report, write_runs_report
from zonekeras.reporting.payload import build_payload
from zonekeras.store.sweep_store import (
    STORE_FILE,
    StoredAttention,
    StoredBatch,
    StoredExample,
    SweepStore,
)

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium, which is not on the PATH"
)
COUNT = "document.getElementById('questions-count').textContent"
CELL = '[aria-label^="Layer 1, second → second"]'


def payload_of(directory):
    with SweepStore(directory / STORE_FILE) as store:
        return build_payload(store, 1, {})


@pytest.fixture(scope="module")
def payload(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sweep")
    write_text_store(directory)
    return payload_of(directory)


def configuration(payload, name):
    [found] = [one for one in payload["configurations"] if one["name"] == name]
    return found


def test_texts_and_gold_labels_are_there_once(payload):
    questions = payload["questions"]
    assert questions["id"] == ["t0", "t1", "t2", "t3", "t4"]
    assert questions["text"][:2] == ["It rains.", "It rains."]
    assert questions["text"][3] == questions["pair"][4] == HOSTILE
    assert questions["answers"] == [[[label]] for label in GOLD]
    assert payload["labels"] == LABELS
    assert payload["num_groups"] == 4  # the first two have the same first text
    assert (payload["task"], payload["metric"]) == ("classification", "accuracy")


def test_answers_are_classes_with_their_probabilities(payload):
    assert payload["baseline"] == {
        "question": [1] * 5,
        "label": [0, 1, 0, 0, 1],
        "probability": [round(math.exp(-1 / row), 4) for row in (1, 2, 3, 4, 5)],
        "accuracy": "11101",
    }
    assert configuration(payload, "layer0:p2")["answers"] == {
        "question": [3, 1],
        "label": [2, 2],
        "probability": [round(math.exp(-1 / 3), 4), round(math.exp(-1 / 4), 4)],
        "accuracy": "01",
    }
    assert configuration(payload, "layer1:p2")["answers"]["question"] == []


def test_cells_have_the_labels_of_their_zones(payload):
    assert payload["zones"] == ["second → second", "CLS → second"]
    cell = configuration(payload, "layer0:cls2p")
    assert (cell["layer"], cell["zone"]) == (0, "CLS → second")
    assert (cell["broken"], cell["repaired"]) == (3, 0)
    # no 4/5, maybe 1, yes 0 before; no 2/5, maybe 0, yes 0 after.
    effect = 100 * (2 / 5 - (4 / 5 + 1)) / 3
    assert cell["scores"]["macro_f1"]["effect"] == pytest.approx(effect)
    assert payload["groups"] == []


def write_attention(directory):
    """One example: CLS, two words of the first text, one of the second."""
    words = [["[CLS]", 1], ["it", 3], ["rains", 3], ["dry", 4]]
    weights = np.full((2, 1, 4, 4), NUM_STEPS // 4, np.uint8)
    example = StoredExample(json.dumps(words), zlib.compress(weights.tobytes()))
    windows = np.arange(5, dtype=np.int32)
    masses = np.zeros((2, 1, 4))
    masses[:, :, 3] = 2.5
    with SweepStore(directory / STORE_FILE) as store:
        store.record_batches(1, [StoredBatch(7, windows, windows)])
        store.put_attention(1, {0: StoredAttention(masses, {0: example})})


def test_attention_has_the_pairs_of_the_zones(tmp_path):
    write_text_store(tmp_path)
    write_attention(tmp_path)
    attention = payload_of(tmp_path)["attention"]
    assert attention["zones"] == ["second → second"]
    assert attention["masses"] == [[[0.5]], [[0.5]]]
    assert attention["pairs"] == {"second → second": [[4, 4]], "CLS → second": [[1, 4]]}


def test_a_page_says_what_it_shows(tmp_path):
    for pairs, items in ((True, "pairs"), (False, "texts")):
        directory = tmp_path / items
        write_text_store(directory, pairs=pairs)
        report = write_report(directory)
        assert (report.items, report.num_questions) == (items, 5)
        page = report.path.read_text(encoding="utf-8")
        assert not re.findall(r"__[A-Za-z]\w*__", page.split("</script>")[-2])
        assert "<img" not in page.split("<script>")[-1]


def test_pages_of_several_runs(tmp_path):
    for seed in (1, 2):
        found = FOUND if seed == 1 else FOUND | {"layer0:p2": FOUND["baseline"]}
        write_text_store(tmp_path / f"seed-{seed}", found=found, weights=f"w{seed}")
    folders = [{"folder": "seed-1"}, {"folder": "seed-2"}]
    (tmp_path / "run.json").write_text(json.dumps({"runs": folders}))
    page = write_runs_report(tmp_path).path.read_text(encoding="utf-8")
    assert "accuracy 80.00 ± 0.00, macro-F1 60.00 ± 0.00" in page
    assert "nothing masked; 5 pairs," in page
    assert "Each run's page has its pairs and answers." in page


@pytest.fixture(scope="module")
def browser_page(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser_page, tmp_path):
    """The page of pairs; nothing may go wrong in it, and no text become markup."""
    write_text_store(tmp_path)
    write_attention(tmp_path)
    browser_page.open(write_report(tmp_path).path)
    yield browser_page
    assert browser_page.exceptions == []
    assert browser_page.run("window.harmed") is None
    assert browser_page.run("document.querySelectorAll('img').length") == 0


def shown(page, selector):
    return page.run(
        f"[...document.querySelectorAll({selector!r})].map((one) => one.textContent)"
    )


@needs_browser
def test_the_heatmap_has_the_zones_that_were_run(page):
    assert shown(page, "[role=columnheader]")[1:] == ["second → second", "CLS → second"]
    assert shown(page, "[role=gridcell]") == ["0.0", "−40.0", "0.0", "−60.0"]
    assert "5 pairs" in shown(page, "#subtitle")[0]
    page.click('[data-value="macro_f1"]')
    assert shown(page, "[role=gridcell]")[2] == "+17.8"


@needs_browser
def test_a_card_has_texts_gold_label_and_what_was_answered(page):
    page.click(CELL)
    heading = "Pairs under Layer 1, second → second"
    assert shown(page, "#questions-heading") == [heading]
    assert page.run(COUNT) == "1 to 1 of 1"
    assert shown(page, ".asked") == ["brokenAnn sings."]
    assert shown(page, ".answers > span") == [
        *("gold", "no", "before", "no", "after", "yes")
    ]
    page.click(".question-head")
    assert shown(page, ".question-body h3") == ["first", "second"]
    assert shown(page, ".question-body .passage") == ["Ann sings.", "Nobody sings."]
    assert shown(page, ".question-body tbody tr") == [
        *("goldno", "beforeno71.7 %", "afteryes71.7 %")
    ]


@needs_browser
def test_hostile_texts_are_text(page):
    page.click(CELL)
    page.click('[data-value="repaired"]')
    assert shown(page, ".asked") == [f"repaired{HOSTILE}"]
    page.click(".question-head")
    assert shown(page, ".question-body .passage") == [HOSTILE, "It is."]
    page.click('[data-value="all"]')
    assert page.run(COUNT) == "1 to 5 of 5"
    page.click("input[type=search]")
    page.type("sleeps ann")  # one word of the first text, one of the second
    assert page.run(COUNT) == "1 to 1 of 1"


@needs_browser
def test_tabs_are_those_that_texts_have(page):
    assert shown(page, "[role=tab]") == [
        *("Cells", "Controls and attention mass", "Attention", "What was run")
    ]
    page.click("#tab-about")
    about = shown(page, "#panel-about")[0]
    assert "pairs5groups4configurations5" in about


@needs_browser
def test_attention_names_texts_and_zones(page):
    page.click("#tab-attention")
    pair = "document.getElementById('attention-pair').textContent"
    page.wait_for(f"{pair} !== ''")
    page.run("document.getElementById('attention-matrix').focus()")
    page.press("End")
    assert page.run(pair) == (
        "“[CLS]” (CLS) attends to “dry” (second text): 24 %, CLS → second"
    )
    page.press("PageDown")
    assert page.run(pair).endswith("second → second")
    assert shown(page, "#attention-masses tbody tr") == ["second → second50.0 %"]


@needs_browser
def test_a_single_text_stands_alone(browser_page, tmp_path):
    write_text_store(tmp_path, pairs=False)
    page = browser_page
    page.open(write_report(tmp_path).path)
    assert shown(page, "[role=columnheader]")[1:] == ["text → text", "CLS → text"]
    page.click('[aria-label^="Layer 1, text → text"]')
    assert shown(page, "#questions-heading") == ["Texts under Layer 1, text → text"]
    page.click(".question-head")
    assert shown(page, ".question-body h3") == ["text"]
    assert page.exceptions == []

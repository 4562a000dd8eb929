"""The page in a real browser: keys, clicks, filters, search, hostile text."""

import json

import pytest

from tests.reporting.browser import CHROMIUM, open_browser
from tests.reporting.stores import FOUND, HOSTILE, PASSAGES, answers, write_store
from zonekeras.reporting import write_report, write_runs_report
from zonekeras.reporting.page import build_page
from zonekeras.reporting.payload import build_payload
from zonekeras.store.sweep_store import STORE_FILE, SweepStore

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium, which is not on the PATH"
)
CELL = '[aria-label^="Layer 2, p2q"]'
HEADS = "[...document.querySelectorAll('.question-head')]"
COUNT = "document.getElementById('questions-count').textContent"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sweep")
    write_store(directory)
    return write_report(directory).path


@pytest.fixture(scope="module")
def browser_page(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser_page, report):
    """The page as it is when it is opened; nothing may go wrong in it."""
    browser_page.open(report)
    yield browser_page
    assert browser_page.exceptions == []
    assert browser_page.run("window.harmed") is None
    assert browser_page.run("document.querySelectorAll('img').length") == 0


def shown(page, selector):
    return page.run(
        f"[...document.querySelectorAll({selector!r})].map((one) => one.textContent)"
    )


def test_the_heatmap(page):
    assert shown(page, "[role=gridcell]") == [
        *("·", "·", "·", "−75.0", "·"),
        *("·", "+25.0", "·", "·", "·"),
    ]
    assert shown(page, "[role=columnheader]")[1:] == ["all", "q2", "q2p", "p2q", "p2"]
    assert shown(page, "[role=rowheader]") == ["2", "1"]
    assert shown(page, "#title") == ["reader on dev.json"]


def test_a_click_shows_what_broke(page):
    page.click(CELL)
    assert shown(page, "#questions-heading") == ["Questions under Layer 2, p2q"]
    assert page.run(COUNT) == "1 to 3 of 3"
    assert shown(page, ".question-head .asked")[:2] == [
        "brokenWho met Bob?",
        "brokenWhere did Ann meet Bob?",
    ]
    details = shown(page, "#cell-details")[0]
    assert "−75.00 points" in details
    assert "3, 0 questions" in details


def test_the_answers_are_marked_in_the_passage(page):
    page.click(CELL)
    page.click(".question-head")
    assert shown(page, ".question-body .passage") == [PASSAGES[0]]
    marks = "[...document.querySelectorAll('.passage mark')]"
    assert page.run(f"{marks}.map((one) => [one.className, one.textContent])") == [
        ["gold before after", "Ann"],
        ["after", " met"],
    ]


def test_positions_behind_other_planes_of_unicode(page):
    page.click('[aria-label^="Layer 1, q2"]')
    page.click('[data-value="repaired"]')
    page.click(".question-head")
    marks = "[...document.querySelectorAll('.passage mark')]"
    assert page.run(f"{marks}.map((one) => [one.className, one.textContent])") == [
        ["before", "north"],
        ["gold after", "May"],
    ]


def test_filters_and_search(page):
    page.click(CELL)
    page.click('[data-value="repaired"]')
    assert page.run(COUNT) == "no such questions"
    page.click('[data-value="all"]')
    assert page.run(COUNT) == "1 to 4 of 4"
    page.click('[data-value="changed"]')
    assert page.run(COUNT) == "1 to 3 of 3"
    page.click("input[type=search]")
    page.type("ROME where")
    assert page.run(COUNT) == "1 to 1 of 1"
    assert shown(page, ".asked") == ["brokenWhere did Ann meet Bob?"]
    page.run(
        "(() => {const one = document.querySelector('#questions select');"
        "one.value = '0,0'; one.dispatchEvent(new Event('change'));})()"
    )
    assert page.run(COUNT) == "no such questions"


def test_hostile_text_is_text(page):
    page.click(CELL)
    page.click("ol.questions > li:nth-child(3) .question-head")
    assert shown(page, ".question-body .passage") == [HOSTILE]
    assert shown(page, ".question-body h3") == [HOSTILE]


def test_keys_move_in_the_grid_and_select(page):
    page.run("document.querySelector('[role=gridcell][tabindex=\"0\"]').focus()")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight"):
        page.press(key)
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.run(focused).startswith("Layer 2, p2q: EM effect −75.0 points")
    assert "Layer 2, p2q" in shown(page, "#cell-details")[0]
    page.press("Enter")
    assert page.run(COUNT) == "1 to 3 of 3"
    assert page.run("document.activeElement.getAttribute('aria-selected')") == "true"
    page.press("End")
    page.press("ArrowDown")
    assert page.run(focused) == "Layer 1, p2: not run"
    page.press("Enter")
    assert shown(page, "#questions-heading") == ["Questions under Layer 2, p2q"]
    assert (
        page.run("document.querySelectorAll('[role=gridcell][tabindex=\"0\"]').length")
        == 1
    )


def test_the_other_score(page):
    page.click('[data-value="f1"]')
    assert shown(page, "[role=gridcell]")[3] == "−58.3"  # Ann keeps 2/3 of 1
    assert shown(page, "#cell-details dt") == ["EM", "F1"]


def test_tabs(page):
    assert shown(page, "[role=tab]") == [
        "Cells",
        "Question types and groups",
        "Other configurations",
        "What was run",
    ]
    page.run("document.getElementById('tab-cells').focus()")
    page.press("ArrowRight")
    assert page.run("document.activeElement.id") == "tab-groups"
    assert shown(page, "#panel-groups tbody td:first-child") == ["who", "when", "where"]
    page.press("ArrowRight")
    page.click("#panel-others [data-configuration]")
    assert shown(page, "#questions-heading") == [
        "Questions under layer0.head1:p2 (layer 1, head 2)"
    ]
    assert "no such words · F1 0" in shown(page, ".question-head")[0]
    page.run("document.getElementById('tab-others').focus()")
    page.press("End")
    assert "strict: the zone" in shown(page, "#panel-about")[0]
    assert page.run("document.getElementById('questions').hidden")


def test_the_address_names_what_is_shown(page, report):
    address = "location.hash"
    assert page.run(address) == ""
    page.click(CELL)
    assert page.run(address) == "#cells/layer1:p2q"
    page.click("#tab-others")
    page.click("#panel-others [data-configuration]")
    assert page.run(address) == "#others/layer0.head1:p2"
    page.click("#tab-about")
    page.run("location.hash = '#cells/layer0:q2'")
    page.wait_for("!document.getElementById('panel-cells').hidden")
    assert shown(page, "#questions-heading") == ["Questions under Layer 1, q2"]
    selected = "[role=gridcell][aria-selected=true]"
    assert page.run(f"document.querySelector('{selected}').ariaLabel").startswith(
        "Layer 1, q2"
    )
    page.open(report)
    assert shown(page, "#questions-heading") == []


@pytest.mark.parametrize("address", ["#nowhere/layer9:q2", "#toString", "#%E0%A4%A"])
def test_an_unknown_address_shows_the_cells(page, address):
    page.click("#tab-about")
    page.run(f"location.hash = '{address}'")
    page.wait_for("!document.getElementById('panel-cells').hidden")
    assert shown(page, "#questions-heading") == []


def test_charts_are_drawn(page):
    page.wait_for("document.querySelector('#cells-chart').children.length > 0")
    height = page.run("document.querySelector('#cells-chart').offsetHeight")
    assert height > 200
    # Bokeh draws below shadow roots. All of the drawing is in sight.
    drawings = """
      ((root) => {
        const below = (one) => [one, ...[...(one.shadowRoot?.children ?? []),
          ...one.children].flatMap(below)];
        return below(root).filter((one) => one.tagName === 'svg');
      })(document.querySelector('#cells-chart'))"""
    heights = f"{drawings}.map((one) => one.getBoundingClientRect().height)"
    page.wait_for(f"{heights}.some((one) => one > 200)")
    assert max(page.run(heights)) <= height + 1


def test_a_zone_can_be_left_out_of_a_chart(page):
    button = "#panel-cells .chart-zones button"
    assert shown(page, button) == ["■ q2", "◆ p2q"]
    page.click(button)
    assert page.run(f"document.querySelector('{button}').ariaPressed") == "false"
    page.click(button)
    assert page.run(f"document.querySelector('{button}').ariaPressed") == "true"
    assert page.exceptions == []


def test_zones_beyond_the_ninth_have_looks_of_their_own(browser_page, tmp_path):
    write_store(tmp_path)
    with SweepStore(tmp_path / STORE_FILE) as store:
        payload = build_payload(store, 1, {})
    others = [zone for zone in payload["zones"] if zone not in ("q2", "p2q")]
    more = [f"more{number}" for number in range(9 - len(others))]
    payload["zones"] = ["q2", *others, *more[:-1], "p2q"]
    assert payload["zones"].index("p2q") == 9
    path = tmp_path / "ten.html"
    path.write_bytes(build_page(payload))
    browser_page.open(path)
    button = "#panel-cells .chart-zones button"
    assert shown(browser_page, button) == ["● q2", "● p2q"]
    colors = browser_page.run(
        f"[...document.querySelectorAll('{button} span')].map((one) => one.style.color)"
    )
    assert len({*colors}) == 2
    assert all(colors)
    assert browser_page.exceptions == []


def test_a_set_has_a_tab_with_its_grid(browser_page, tmp_path):
    heads = {
        f"layer{layer}.head{head}:p2": answers()
        for layer in range(2)
        for head in (0, 1)
    }
    heads["layer1.head0:p2"] = answers(second="Bob")
    write_store(tmp_path, {"baseline": answers(), "layer0:p2": answers()} | heads)
    page = browser_page
    page.open(write_report(tmp_path).path)
    assert shown(page, "[role=tab]")[:3] == [
        "Cells",
        "Heads",
        "Question types and groups",
    ]
    page.click("#tab-heads")
    assert shown(page, "#panel-heads h2")[0] == "p2 masked in one head"
    assert shown(page, "#panel-heads [role=gridcell]") == ["−25.0", "0.0", "0.0", "0.0"]
    page.run("document.querySelector('#panel-heads [tabindex=\"0\"]').focus()")
    page.press("ArrowRight")
    assert "layer1.head1:p2" in shown(page, "#details-heads")[0]
    page.press("ArrowLeft")
    page.press("Enter")
    assert shown(page, "#questions-heading") == [
        "Questions under layer1.head0:p2 (layer 2, head 1)"
    ]
    assert page.run(COUNT) == "1 to 1 of 1"
    assert page.exceptions == []


def test_one_of_several_runs_has_the_others(browser_page, tmp_path):
    for seed in (1, 2):
        found = FOUND if seed == 1 else FOUND | {"layer1:p2q": answers()}
        write_store(tmp_path / f"seed-{seed}", found, weights=f"w{seed}")
    folders = [{"folder": "seed-1"}, {"folder": "seed-2"}]
    (tmp_path / "run.json").write_text(json.dumps({"runs": folders}))
    page = browser_page
    page.open(write_runs_report(tmp_path).reports[0].path)
    page.click("#tab-runs")
    assert shown(page, "#panel-runs h2") == ["EM effect in each run"]
    links = "[...document.querySelectorAll('#panel-runs a')].map((one) => one.href)"
    assert [link.rsplit("/", 2)[-2:] for link in page.run(links)] == [
        [tmp_path.name, "report.html"],
        ["seed-2", "report.html"],
    ]
    rows = shown(page, "#panel-runs tbody tr")
    assert rows[:2] == ["seed-1 (this page)75.000", "seed-275.000"]
    [cell] = [row for row in rows if row.startswith("layer1:p2q")]
    assert cell.startswith("layer1:p2q−37.5053.03")
    assert cell.endswith("−75.000.00")
    page.wait_for("document.querySelector('#panel-runs .chart').children.length > 0")
    page.click("#panel-runs a[href*='seed-2']")
    page.wait_for("document.documentElement?.dataset.ready === 'true'")
    page.wait_for("location.href.includes('seed-2')")
    assert page.exceptions == []


@pytest.mark.parametrize("width", [320, 390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(page, width, scheme):
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 500,
    )
    page.call(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-color-scheme", "value": scheme}],
    )
    page.click(CELL)
    for tab in ("groups", "others", "about", "cells"):
        page.run(f"document.getElementById('tab-{tab}').click()")
        page.wait_for(f"document.documentElement.scrollWidth <= {width}", 5.0)
    dark = "getComputedStyle(document.body).backgroundColor"
    assert (page.run(dark) == "rgb(23, 24, 28)") == (scheme == "dark")

"""Controls and attention of a page in a real browser."""

import pytest

from tests.reporting.browser import CHROMIUM, open_browser
from tests.reporting.stores import HOSTILE
from tests.reporting.test_control_payload import weights_of, write_controlled_store
from zonekeras.reporting import write_report

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium, which is not on the PATH"
)
PAIR = "document.getElementById('attention-pair').textContent"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sweep")
    write_controlled_store(directory)
    path = write_report(directory).path
    with open_browser(tmp_path_factory.mktemp("profile")) as page:
        page.open(path)
        yield page
        assert page.exceptions == []
        assert page.run("window.harmed") is None


def shown(page, selector):
    return page.run(
        f"[...document.querySelectorAll({selector!r})].map((one) => one.textContent)"
    )


def choose(page, number, value):
    """Chooses in the number-th list of the attention tab."""
    page.run(
        "(() => {const one = document.querySelectorAll('#panel-attention select')"
        f"[{number}]; one.value = '{value}'; one.dispatchEvent(new Event('change'));"
        "})()"
    )


def test_controls(page):
    page.click("#tab-controls")
    rows = "[...document.querySelectorAll('#panel-controls tbody tr')]"
    cells = page.run(f"{rows}.map((one) => [...one.children].map((c) => c.innerText))")
    by_name = {row[0]: row[1:] for row in cells}
    assert by_name["Layer 2, p2q"][:5] == [
        *("18.0 %", "−75.00", "−12.50 ± 17.68", "15 %", "−62.50")
    ]
    assert by_name["Layer 1, p2"][2] == "no control possible"
    assert "4 cells" in shown(page, "#mass-correlation")[0]
    charts = "[...document.querySelectorAll('#panel-controls .chart')]"
    assert page.run(f"{charts}.length") == 2
    page.wait_for(f"{charts}.every((one) => one.children.length > 0)")


def test_the_matrix_by_keys(page):
    page.click("#tab-attention")
    choose(page, 1, 1)
    choose(page, 2, 2)
    weights = weights_of(0)[1, 2].astype(int)
    page.wait_for(f"{PAIR}.includes('{round(100 * weights[0, 0] / 63)} %')", 10.0)
    page.run("document.getElementById('attention-matrix').focus()")
    for key in ("ArrowDown", "End", "ArrowLeft"):
        page.press(key)
    expected = (
        f"“{HOSTILE}” (question) attends to “Ann” (passage): "
        f"{round(100 * weights[1, 3] / 63)} %, q2p"
    )
    assert page.run(PAIR) == expected
    label = "document.activeElement.getAttribute('aria-label')"
    assert page.run(label).startswith("Attention of layer 2, head 3, 5 words. ")
    page.press("ArrowUp")
    assert page.run(PAIR).endswith(", q2p")  # CLS gives to the passage
    page.press("Home")
    assert page.run(PAIR).endswith("no zone")
    # The masses of layer 2, head 3: q2, q2p, p2q, p2.
    masses = shown(page, "#attention-masses td:last-child")
    assert masses == ["20.0 %", "21.0 %", "22.0 %", "23.0 %"]


def test_the_matrix_is_painted(page):
    page.click("#tab-attention")
    canvas = "document.getElementById('attention-matrix')"
    page.wait_for(f"{canvas}.width === 110 + 5 * 15 + 1", 10.0)
    painted = (
        f"{canvas}.getContext('2d').getImageData(110, 110, 75, 75).data"
        ".filter((value, at) => at % 4 === 3 && value > 0).length"
    )
    page.wait_for(f"{painted} > 2000", 10.0)


@pytest.mark.parametrize("width", [320, 1200])
def test_nothing_is_wider_than_the_screen(page, width):
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 500,
    )
    for tab in ("controls", "attention"):
        page.run(f"document.getElementById('tab-{tab}').click()")
        page.wait_for(f"document.documentElement.scrollWidth <= {width}", 5.0)

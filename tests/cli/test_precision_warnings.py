import pytest

from cli import precision_warnings
from cli.precision_warnings import warn_of_slow_precision
from cli.running import run_command


@pytest.fixture
def said(monkeypatch, capsys):
    """What a command says about a precision on a machine, on standard error."""

    def say(precision, drawback, on_tpu=False):
        monkeypatch.setattr(precision_warnings, "bfloat16_drawback", lambda: drawback)

        def command(argv):
            warn_of_slow_precision(precision, on_tpu=on_tpu)

        assert run_command(command, [], "zonekeras demo") == 0
        return capsys.readouterr().err

    return say


pytestmark = pytest.mark.filterwarnings("always::UserWarning")


@pytest.mark.parametrize("precision", ["bfloat16", "mixed_bfloat16"])
def test_a_format_that_does_not_pay_costs_one_line(said, precision):
    assert said(precision, "the CPU is old") == (
        f"zonekeras demo: warning: --precision {precision} will be slower than float32 "
        "here: the CPU is old\n"
    )


@pytest.mark.parametrize(
    ("precision", "drawback", "on_tpu"),
    [
        ("bfloat16", None, False),
        ("bfloat16", "the CPU is old", True),
        ("float32", "the CPU is old", False),
        ("mixed_float16", "the CPU is old", False),
    ],
)
def test_else_nothing_is_said(said, precision, drawback, on_tpu):
    assert said(precision, drawback, on_tpu) == ""


def test_other_formats_do_not_look_at_the_machine(monkeypatch):
    def fail():
        raise AssertionError("looked")

    monkeypatch.setattr(precision_warnings, "bfloat16_drawback", fail)
    warn_of_slow_precision("float32", on_tpu=False)
    warn_of_slow_precision("float16", on_tpu=False)

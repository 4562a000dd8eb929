"""Ctrl-C between steps: noted once, never lost, at once the second time."""

import signal

import pytest

from zonekeras.training.interrupts import DeferredInterrupt


def press():
    signal.raise_signal(signal.SIGINT)


def test_the_first_is_noted_and_raised_when_asked_for():
    with pytest.raises(KeyboardInterrupt), DeferredInterrupt() as interrupt:
        interrupt.raise_if_requested()
        press()
        assert interrupt.requested
        interrupt.raise_if_requested()
        raise AssertionError("not raised")


def test_one_that_nobody_asked_for_is_raised_at_the_end():
    reached = False
    with pytest.raises(KeyboardInterrupt), DeferredInterrupt():
        press()
        reached = True
    assert reached


def test_it_hides_no_other_error():
    with pytest.raises(OSError, match="full"), DeferredInterrupt():
        press()
        raise OSError("full")


def test_the_second_interrupts_at_once():
    with pytest.raises(KeyboardInterrupt), DeferredInterrupt():
        press()
        press()
        raise AssertionError("not raised")


def test_afterwards_the_handler_is_the_one_before():
    before = signal.getsignal(signal.SIGINT)
    with DeferredInterrupt():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_processes_that_share_a_run_stop_when_all_agree():
    with DeferredInterrupt(is_shared=True) as interrupt:
        press()
        assert interrupt.pressed and not interrupt.requested
        interrupt.raise_if_requested()
    other = DeferredInterrupt(is_shared=True)
    with pytest.raises(KeyboardInterrupt), other:
        other.agree()
        assert other.requested and not other.pressed
        other.raise_if_requested()
        raise AssertionError("not raised")

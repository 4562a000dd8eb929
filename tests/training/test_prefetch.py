import threading
import time

import pytest

from zonekeras.training.prefetch import Prefetch


def test_items_come_in_order_from_another_thread():
    threads = []

    def items():
        for number in range(20):
            threads.append(threading.current_thread())
            yield number

    with Prefetch(items(), depth=3) as prefetch:
        assert list(prefetch) == list(range(20))
    assert threading.current_thread() not in threads


def test_errors_are_raised_where_the_item_is_asked_for():
    def items():
        yield 1
        raise ValueError("no second item")

    with Prefetch(items()) as prefetch:
        taken = iter(prefetch)
        assert next(taken) == 1
        with pytest.raises(ValueError, match="no second item"):
            next(taken)


def test_leaving_early_ends_the_thread():
    before = threading.active_count()
    with Prefetch(iter(range(10**9)), depth=2) as prefetch:
        assert next(iter(prefetch)) == 0
    assert threading.active_count() == before


def test_waiting_is_counted():
    def items():
        time.sleep(0.05)
        yield 1

    with Prefetch(items()) as prefetch:
        assert list(prefetch) == [1]
    assert prefetch.seconds_waited > 0.02

"""Work without a limit of its own is waited for so long only."""

from __future__ import annotations

import threading

import pytest

from cellpose_studio.workflows.blocks.cluster.waiting import close_within, within


class Slow:
    """Closes when it is let, and may fail then."""

    def __init__(self, error=None):
        self.let = threading.Event()
        self.closed = threading.Event()
        self.error = error

    def close(self):
        self.let.wait(60)
        self.closed.set()
        if self.error:
            raise self.error


def test_what_takes_longer_is_given_up():
    let = threading.Event()
    waited = []
    with pytest.raises(TimeoutError):
        within(0.2, lambda: waited.append(let.wait()))
    assert waited == []
    let.set()


def test_results_and_errors_come_through():
    assert within(60, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)


def test_closing_holds_nothing_up():
    slow = Slow()
    close_within(0.2, slow)
    assert not slow.closed.is_set()
    slow.let.set()
    assert slow.closed.wait(60)
    failing = Slow(OSError("gone"))
    failing.let.set()
    close_within(60, failing)
    assert failing.closed.is_set()

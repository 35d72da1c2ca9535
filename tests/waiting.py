"""Waits that end with what they wait for, however slow the computer is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

LONG = 300
"""Seconds after which nothing is waited for any more."""

HOURS = 10_000.0
"""A limit, in seconds, that nobody may wait for."""


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail if it never does."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def ended(call: Callable[[], T]) -> T:
    """Return what ``call`` returns, in a thread of its own; fail if it hangs."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        # Whoever waits gets it.
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future.result(LONG)

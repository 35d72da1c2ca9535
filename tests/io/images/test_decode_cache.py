"""What stays decoded, and what has to go for it."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.io.images.decode_cache import DecodeCache


def asked(cache, calls, key, size):
    """Ask for an array of some bytes; ``calls`` notes when it had to be read."""

    def read():
        calls.append(key)
        return np.zeros(size, np.uint8)

    assert cache.get(key, read).nbytes == size


def test_the_last_array_stays_however_large_within_the_limit():
    cache, calls = DecodeCache(100, largest=1000), []
    for _ in range(3):
        asked(cache, calls, "huge", 900)
    assert calls == ["huge"]
    asked(cache, calls, "small", 50)
    asked(cache, calls, "huge", 900)
    assert calls == ["huge", "small", "huge"]


def test_beyond_the_limit_nothing_is_kept():
    cache, calls = DecodeCache(100, largest=1000), []
    asked(cache, calls, "small", 50)
    for _ in range(2):
        asked(cache, calls, "too large", 1001)
    asked(cache, calls, "small", 50)
    assert calls == ["small", "too large", "too large"]


def test_the_least_used_go_first():
    cache, calls = DecodeCache(100), []
    for key in ("a", "b", "a", "c", "a", "b"):
        asked(cache, calls, key, 40)
    assert calls == ["a", "b", "c", "b"]


class Counted(np.ndarray):
    """An array that counts how often its size is asked for."""

    asked = 0

    @property
    def nbytes(self):
        Counted.asked += 1
        return 100


@pytest.mark.parametrize("capacity", [10**9, 10_000])
def test_the_time_of_each_array_does_not_grow_with_their_number(capacity):
    """A folder of thousands of small images fills the cache."""
    counts = []
    for number in (500, 2000):
        Counted.asked = 0
        cache = DecodeCache(capacity)
        for key in range(number):
            cache.get(key, lambda: np.zeros(1, np.uint8).view(Counted))
        counts.append(Counted.asked)
    assert counts[1] <= 4.5 * counts[0]

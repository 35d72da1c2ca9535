"""What stays decoded, and what has to go for it."""

from __future__ import annotations

import os
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cellpose_studio.io.images.decode_cache import DecodeCache, mapped_copy


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


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_huge_array_is_mapped_and_stays_while_others_come(tmp_path):
    cache, calls = (
        DecodeCache(100, on_disk=2000, folder=lambda: tmp_path / "decoded"),
        [],
    )
    for n in range(5):
        asked(cache, calls, "huge", 900)
        asked(cache, calls, f"small {n}", 90)
    assert calls.count("huge") == 1
    asked(cache, calls, "second", 900)
    asked(cache, calls, "huge", 900)
    assert calls.count("huge") == 1
    asked(cache, calls, "third", 900)
    asked(cache, calls, "second", 900)
    assert calls.count("second") == 2


def test_a_mapped_array_has_its_pixels_and_nobody_may_change_them(tmp_path):
    pixels = np.arange(60, dtype=np.uint16).reshape(5, 4, 3)
    cache = DecodeCache(10, on_disk=1000, folder=lambda: tmp_path)
    [first, second] = [cache.get("a", lambda: pixels) for _ in range(2)]
    assert isinstance(first, np.memmap)
    assert second is first
    np.testing.assert_array_equal(first, pixels)
    assert first.dtype == np.uint16
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps what is mapped")
def test_no_file_is_left_even_by_a_process_that_is_killed(tmp_path):
    array = mapped_copy(np.ones(100, np.uint8), tmp_path)
    assert array.sum() == 100
    assert files(tmp_path) == []


def test_without_room_on_the_disk_the_last_one_stays_in_memory(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1000, 1000, 1000))
    cache = DecodeCache(100, on_disk=2000, largest=1000, folder=lambda: tmp_path)
    calls = []
    for _ in range(2):
        asked(cache, calls, "huge", 900)
    assert calls == ["huge"]
    assert not isinstance(cache.get("huge", lambda: None), np.memmap)
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_written_to_is_no_reason_to_fail(tmp_path):
    taken = tmp_path / "taken"
    taken.write_bytes(b"")
    cache, calls = DecodeCache(100, on_disk=2000, folder=lambda: taken), []
    asked(cache, calls, "huge", 900)
    assert calls == ["huge"]


def test_two_threads_decode_one_array_once():
    cache, calls = DecodeCache(1000), []
    begun, go_on = threading.Event(), threading.Event()

    def read():
        calls.append(1)
        begun.set()
        assert go_on.wait(60)
        return np.zeros(10, np.uint8)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(cache.get, "a", read)
        assert begun.wait(60)
        second = pool.submit(cache.get, "a", read)
        # Another array does not wait for it.
        other = pool.submit(cache.get, "b", lambda: np.ones(3, np.uint8))
        assert other.result(60).sum() == 3
        go_on.set()
        assert second.result(60) is first.result(60)
    assert calls == [1]


def test_after_a_failure_the_next_one_tries_again():
    cache = DecodeCache(1000)

    def fail():
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        cache.get("a", fail)
    assert cache.get("a", lambda: np.ones(3)).sum() == 3

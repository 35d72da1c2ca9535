"""Large label images lie in files that go with them; without room, in memory."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cellpose_studio.io.masks import mapped
from cellpose_studio.io.masks.mapped import empty_labels

posix_only = pytest.mark.skipif(os.name != "posix", reason="how POSIX removes files")


def test_large_labels_are_zeros_that_can_be_written_and_leave_no_file(tmp_path):
    labels = empty_labels((2, 30, 40), most=100, folder=lambda: tmp_path / "masks")
    assert labels.shape == (2, 30, 40)
    assert labels.dtype == np.uint32
    assert labels.flags.c_contiguous
    assert not labels.any()
    labels[1, 3:5] = 7
    assert int(labels.sum()) == 2 * 40 * 7
    del labels
    gc.collect()
    assert [*(tmp_path / "masks").iterdir()] == []


@posix_only
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is mapped")
def test_only_large_labels_are_mapped(tmp_path):
    def mapped() -> bool:
        return str(tmp_path) in Path("/proc/self/maps").read_text()

    small = empty_labels((10, 10), most=400, folder=lambda: tmp_path)
    assert not mapped()
    large = empty_labels((10, 11), most=400, folder=lambda: tmp_path)
    assert mapped()
    assert small.size < large.size


@posix_only
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux puts pages aside")
def test_pages_that_nobody_uses_leave_the_memory(tmp_path, monkeypatch):
    size = 2**24
    monkeypatch.setattr(mapped, "MOST_RESIDENT", size)
    monkeypatch.setattr(mapped, "PAUSE", 0.01)
    before = mapped.resident()
    labels = empty_labels((size,), most=1, folder=lambda: tmp_path)
    labels[:] = np.arange(size)
    ends = time.monotonic() + 60
    while mapped.resident() > before + 2 * size:
        assert time.monotonic() < ends
        time.sleep(0.01)
    np.testing.assert_array_equal(labels[::4096], np.arange(0, size, 4096))
    assert int(labels[-1]) == size - 1
    assert str(tmp_path) in Path("/proc/self/maps").read_text()
    # Putting pages aside holds no file any longer than its array.
    del labels
    while str(tmp_path) in Path("/proc/self/maps").read_text():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_without_a_folder_they_are_in_memory(tmp_path):
    (tmp_path / "file").write_text("")
    labels = empty_labels((20, 20), most=1, folder=lambda: tmp_path / "file")
    labels[:] = 1
    assert labels.all()

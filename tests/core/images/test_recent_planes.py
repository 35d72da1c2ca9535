"""Pixels are read once for all who show them, and never kept beyond a limit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.display.thumbnail import sample_plane
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.image import ChannelPixels, PixelReader
from cellpose_studio.core.images.recent_planes import RecentPlanes
from cellpose_studio.io.images.reader import open_images


@dataclass(frozen=True, eq=False)
class Counting:
    """Counts what is read of a file."""

    reader: PixelReader
    regions: list[object] = field(default_factory=list)

    def read(self, region):
        self.regions.append(region)
        return self.reader.read(region)

    def check_unchanged(self):
        self.reader.check_unchanged()


def test_the_oldest_are_left_out_and_large_ones_are_not_kept():
    planes, owner, other, read = RecentPlanes(100), Counting(None), Counting(None), []

    def plane(size, key, of=owner):
        def make():
            read.append(key)
            return np.zeros(size, np.uint8)

        return planes.get(of, key, make)

    for key in "abab":
        assert plane(40, key).nbytes == 40
    assert read == ["a", "b"]
    # The other one's plane takes the place of that used longest ago.
    plane(40, "a", other)
    assert read == ["a", "b", "a"]
    plane(40, "b")
    plane(40, "a")
    assert read == ["a", "b", "a", "a"]
    assert planes.fits(50)
    assert not planes.fits(51)
    for _ in range(2):
        plane(60, "large")
    assert read[4:] == ["large", "large"]


def test_a_plane_is_read_once_for_all_who_show_it_unless_the_file_changed(tmp_path):
    path = tmp_path / "a.tif"
    values = np.arange(3 * 8 * 9, dtype=np.uint16).reshape(3, 8, 9)
    tifffile.imwrite(path, values, imagej=True, metadata={"axes": "ZYX"})
    [source] = open_images(path)
    counting = Counting(source.reader)
    source = replace(source, reader=counting)
    source.read_ahead()
    shown = ChannelPixels(source, 0)
    for _ in range(3):
        np.testing.assert_array_equal(shown[1], values[1])
    np.testing.assert_array_equal(sample_plane(source, 0, shown=True), values[1])
    assert len(counting.regions) == 1
    np.testing.assert_array_equal(shown[2], values[2])
    np.testing.assert_array_equal(source.plane(0, 0, 1), values[1])
    assert len(counting.regions) == 3
    tifffile.imwrite(path, values[:2], imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(ImageUnreadable, match="has changed"):
        shown[1]

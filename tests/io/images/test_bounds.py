"""Files that declare more than any memory holds, and what is no file at all."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from cellpose_studio.core.errors import (
    ImageUnreadable,
    MasksUnreadable,
    NotEnoughMemory,
    ProjectUnusable,
    StudioError,
)
from cellpose_studio.io.images import stored_image
from cellpose_studio.io.images.fingerprint import fingerprint
from cellpose_studio.io.images.png_jpeg import declared_size
from cellpose_studio.io.images.reader import is_image_path, open_images
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.io.project.file import read_project
from cellpose_studio.workflows.open import files_of

PIXELS = np.arange(64 * 80, dtype=np.uint16).reshape(64, 80)


def png(path, width, height):
    """Write a PNG of a few bytes with a header of any size."""

    def chunk(name, data):
        sum_ = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + sum_

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(100)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""))
    return path


def tiled(path, side):
    """Write a compressed TIFF whose header declares tiles of any size."""
    tifffile.imwrite(path, PIXELS, tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tags = tiff.pages.first.tags
        for name in ("TileWidth", "TileLength", "ImageWidth", "ImageLength"):
            tag = tags[name]
            tag.overwrite(side, dtype="I")
    return path


def zarr_folder(path, chunks, shape=(64, 80)):
    (path / "0").mkdir(parents=True)
    scale = {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "0"}]}
    (path / ".zattrs").write_text(json.dumps({"multiscales": [scale]}))
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    array = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": chunks,
        "dtype": "<u2",
        "compressor": {"id": "zlib", "level": 1},
        "fill_value": 0,
        "order": "C",
        "filters": None,
    }
    (path / "0" / ".zarray").write_text(json.dumps(array))
    return path


def test_a_file_that_declares_gigantic_parts_is_refused_before_it_takes_memory(
    tmp_path,
):
    files = [
        png(tmp_path / "a.png", 2**31 - 1, 2**31 - 1),
        tiled(tmp_path / "b.tif", 2**20),
        zarr_folder(tmp_path / "c.zarr", (2**20, 2**20)),
    ]
    for file in files:
        with pytest.raises(ImageUnreadable, match="in parts that are too large") as no:
            open_images(file)
        assert no.value.message.startswith(file.name)
    with pytest.raises(MasksUnreadable, match="in parts that are too large"):
        read_masks(files[0])
    with pytest.raises(MasksUnreadable, match="in parts that are too large"):
        read_masks(files[1])


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(stored_image, "_memory", lambda: 1000)


@pytest.mark.usefixtures("little_memory")
def test_what_exceeds_the_memory_of_this_computer_is_refused(tmp_path):
    imagecodecs.imwrite(tmp_path / "a.png", PIXELS)
    tifffile.imwrite(tmp_path / "b.tif", PIXELS, compression="zlib")
    for file in ("a.png", "b.tif"):
        with pytest.raises(NotEnoughMemory, match=f"A part of {file} takes"):
            open_images(tmp_path / file)
        with pytest.raises(NotEnoughMemory, match=f"A part of {file} takes"):
            read_masks(tmp_path / file)


@pytest.mark.usefixtures("little_memory")
def test_a_large_image_in_small_parts_is_read_in_parts(tmp_path):
    path = zarr_folder(tmp_path / "a.zarr", (16, 16), (2**20, 2**20))
    [image] = open_images(path)
    whole = (slice(None),) * 5
    with pytest.raises(NotEnoughMemory):
        image.reader.read(whole)
    part = (*whole[:3], slice(0, 10), slice(0, 10))
    assert not image.reader.read(part).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(30, 50), (30, 50, 3), (30, 50, 4)])
def test_the_header_of_a_png_tells_the_size_of_its_pixels(shape, dtype):
    pixels = np.zeros(shape, dtype)
    assert declared_size(imagecodecs.png_encode(pixels)) == pixels.nbytes


@pytest.mark.parametrize("shape", [(30, 50), (30, 50, 3)])
def test_the_header_of_a_jpeg_tells_the_size_of_its_pixels(shape):
    pixels = np.zeros(shape, np.uint8)
    assert declared_size(imagecodecs.jpeg_encode(pixels)) == pixels.nbytes


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0"])
def test_a_header_that_is_cut_off_tells_no_size(content):
    assert declared_size(content) == 0


@pytest.fixture
def pipe(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes have names")

    def make(name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)
        return path

    return make


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("a.tif", open_images),
        ("a_masks.tif", read_masks),
        ("a_seg.npy", read_masks),
        ("a.cpstudio", read_project),
    ],
)
def test_a_pipe_is_said_to_be_one_and_not_waited_for(pipe, name, read):
    with pytest.raises(StudioError, match=f"{name} is a pipe, not "):
        read(pipe(name))


def test_pipes_in_a_zarr_folder_are_not_waited_for(pipe, tmp_path):
    assert is_image_path(pipe("a.zarr/.zattrs").parent)
    with pytest.raises(ImageUnreadable):
        open_images(tmp_path / "a.zarr")
    folder = zarr_folder(tmp_path / "b.zarr", (16, 16))
    before = fingerprint(folder)
    pipe("b.zarr/0/0.0")
    assert fingerprint(folder) == before


def test_a_device_is_not_opened():
    with pytest.raises(ImageUnreadable, match="zero is a device"):
        open_images(Path("/dev/zero"))
    with pytest.raises(ProjectUnusable, match="zero is a device"):
        read_project(Path("/dev/zero"))


def test_what_cannot_be_opened_costs_only_itself(pipe, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS)
    pipe("pipe.tif")
    (tmp_path / "loop.tif").symlink_to("loop.tif")
    (tmp_path / "loop").symlink_to("loop")
    files, failures = files_of([tmp_path, tmp_path / "loop"])
    assert failures == []
    names = [entry.image.name for entry in files]
    assert names == ["a.tif", "loop.tif", "pipe.tif", "loop"]

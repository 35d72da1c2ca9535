from __future__ import annotations

import struct
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.errors import ImageUnreadable, NotEnoughMemory, StudioError
from cellpose_studio.io.images.reader import open_images

ALL = slice(None)


def opened(path, axes=None):
    (image,) = open_images(path, axes)
    return image


def written(path, pixels, **options):
    tifffile.imwrite(path, pixels, **options)
    return opened(path)


def noise(*shape, dtype=np.uint16):
    return np.random.default_rng(0).integers(0, 250, shape).astype(dtype)


@pytest.mark.parametrize(
    "dtype",
    ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"],
)
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_numbers_of_all_kinds_are_read_in_native_order(
    tmp_path, dtype, byteorder, compression
):
    pixels = noise(30, 20, dtype=dtype)
    image = written(
        tmp_path / "a.tif", pixels, byteorder=byteorder, compression=compression
    )
    assert image.dtype == np.dtype(dtype)
    assert image.dtype.isnative
    read = image.plane(0, 0, 0)
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, pixels)


def test_bits_become_bytes(tmp_path):
    pixels = noise(30, 21) > 100
    image = written(tmp_path / "a.tif", pixels, photometric="minisblack")
    assert image.dtype == image.plane(0, 0, 0).dtype == np.uint8
    np.testing.assert_array_equal(image.plane(0, 0, 0), pixels)


def test_half_precision_becomes_single(tmp_path):
    pixels = noise(30, 20, dtype=np.float16)
    image = written(tmp_path / "a.tif", pixels)
    assert image.dtype == image.plane(0, 0, 0).dtype == np.float32
    np.testing.assert_array_equal(image.plane(0, 0, 0), pixels)


def test_complex_numbers_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((30, 20), np.complex64))
    with pytest.raises(ImageUnreadable, match="complex64, not grey values"):
        open_images(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["uint16", "int32"])
def test_whole_numbers_are_read_from_jpeg_2000(tmp_path, kind):
    pixels = noise(30, 20, dtype=np.uint16).astype(kind)
    image = written(tmp_path / "a.tif", pixels, compression="jpeg2000")
    np.testing.assert_array_equal(image.plane(0, 0, 0), pixels)


def test_jpeg_2000_that_changes_numbers_is_refused(tmp_path):
    pixels = noise(30, 20, dtype=np.uint16).astype(np.uint32)
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="jpeg2000")
    with pytest.raises(ImageUnreadable, match="JPEG 2000, which changes numbers"):
        open_images(tmp_path / "a.tif")


def test_the_colours_of_printers_are_refused(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", noise(30, 20, 4, dtype=np.uint8), photometric="separated"
    )
    with pytest.raises(ImageUnreadable, match="has a pixel type that cannot be shown"):
        open_images(tmp_path / "a.tif")


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_become_channels(tmp_path, planarconfig, compression):
    pixels = noise(30, 20, 3, dtype=np.uint8)
    stored = pixels if planarconfig == "contig" else np.moveaxis(pixels, -1, 0)
    image = written(
        tmp_path / "a.tif",
        stored,
        photometric="rgb",
        metadata=None,
        planarconfig=planarconfig,
        compression=compression,
    )
    assert (image.shape, image.rgb) == ((1, 3, 1, 30, 20), True)
    assert image.channel_names == ("Red", "Green", "Blue")
    np.testing.assert_array_equal(image.plane(0, 1, 0), pixels[..., 1])
    np.testing.assert_array_equal(
        image.volume(0, [2, 0])[:, 0], np.moveaxis(pixels[..., [2, 0]], -1, 0)
    )


def test_colours_compressed_as_jpeg_are_red_green_and_blue(tmp_path):
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[..., 0] = 200
    image = written(
        tmp_path / "a.tif", pixels, photometric="rgb", compression="jpeg", tile=(64, 64)
    )
    assert image.rgb
    means = image.volume(0, range(3)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, [200, 0, 0], atol=3)


def test_transparency_is_left_out(tmp_path):
    pixels = noise(30, 20, 4, dtype=np.uint8)
    image = written(
        tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["unassalpha"]
    )
    assert (image.shape, image.rgb) == ((1, 3, 1, 30, 20), True)
    np.testing.assert_array_equal(
        image.volume(0, range(3))[:, 0], np.moveaxis(pixels, -1, 0)[:3]
    )


def test_grey_with_transparency_is_one_channel(tmp_path):
    pixels = noise(30, 20, 2, dtype=np.uint8)
    image = written(
        tmp_path / "a.tif",
        pixels,
        photometric="minisblack",
        metadata=None,
        planarconfig="contig",
        extrasamples=["unassalpha"],
    )
    assert (image.shape, image.rgb) == ((1, 1, 1, 30, 20), False)
    np.testing.assert_array_equal(image.plane(0, 0, 0), pixels[..., 0])


def test_samples_that_are_no_colours_are_channels(tmp_path):
    pixels = noise(30, 20, 5)
    image = written(
        tmp_path / "a.tif",
        pixels,
        photometric="minisblack",
        metadata=None,
        planarconfig="contig",
    )
    assert (image.shape, image.rgb) == ((1, 5, 1, 30, 20), False)
    assert image.channel_names[4] == "Channel 5"
    np.testing.assert_array_equal(image.plane(0, 4, 0), pixels[..., 4])


def test_the_resolution_of_a_printer_is_no_pixel_size(tmp_path):
    image = written(
        tmp_path / "a.tif", noise(30, 20), resolution=(300, 300), resolutionunit="inch"
    )
    assert image.pixel_size_um == (None, None, None)


def test_axes_that_the_writer_gave_are_known(tmp_path):
    pixels = noise(4, 3, 30, 20)
    image = written(
        tmp_path / "a.tif", pixels, metadata={"axes": "TZYX"}, photometric="minisblack"
    )
    assert image.shape == (4, 1, 3, 30, 20)
    np.testing.assert_array_equal(image.plane(2, 0, 1), pixels[2, 1])


def test_pages_of_different_sizes_are_scenes(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(noise(30, 20), metadata=None)
        tiff.write(noise(10, 15), metadata=None)
    images = open_images(tmp_path / "a.tif")
    assert [image.shape[3:] for image in images] == [(30, 20), (10, 15)]
    assert [image.scene for image in images] == ["Image 1", "Image 2"]
    assert len({image.key for image in images}) == 2
    assert images[1].plane(0, 0, 0).shape == (10, 15)


def test_thumbnails_and_smaller_copies_are_left_out(tmp_path):
    pixels = noise(64, 64, dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(pixels, subifds=1, tile=(16, 16), metadata=None)
        tiff.write(pixels[::2, ::2], subfiletype=1, tile=(16, 16), metadata=None)
        tiff.write(pixels[:10, :7], subfiletype=1, metadata=None)
    image = opened(tmp_path / "a.tif")
    assert image.scene == ""
    np.testing.assert_array_equal(image.plane(0, 0, 0), pixels)


LAYOUTS = [
    {},
    {"rowsperstrip": 7},
    {"rowsperstrip": 7, "compression": "lzw", "predictor": True},
    {"tile": (16, 32), "compression": "zlib"},
    {"tile": (32, 16)},
    {"bigtiff": True, "compression": "zstd"},
    {"byteorder": ">", "tile": (16, 16)},
]

spans = st.tuples(st.integers(0, 1 << 20), st.integers(1, 1 << 20))


@given(st.sampled_from(LAYOUTS), st.booleans(), st.data())
def test_any_region_is_read_as_an_array_would_give_it(
    tmp_path_factory, options, colour, data
):
    path = tmp_path_factory.mktemp("regions") / "a.tif"
    pixels = noise(4, 3, 50, 43, *([3] if colour else []), dtype=np.uint8)
    axes = "TZYXS" if colour else "TZYX"
    photometric = "rgb" if colour else "minisblack"
    image = written(
        path, pixels, metadata={"axes": axes}, photometric=photometric, **options
    )
    whole = np.moveaxis(pixels, -1, 1) if colour else pixels[:, None]
    region = []
    for length in image.shape:
        start = data.draw(st.integers(0, length - 1))
        region.append(slice(start, data.draw(st.integers(start + 1, length))))
    np.testing.assert_array_equal(
        image.reader.read(tuple(region)), whole[tuple(region)]
    )


def test_an_empty_region_is_empty(tmp_path):
    for options in LAYOUTS:
        image = written(
            tmp_path / "a.tif",
            noise(20, 30, 3, dtype=np.uint8),
            photometric="rgb",
            **options,
        )
        for region in (
            (ALL, slice(2, 2), ALL, ALL, ALL),
            (ALL, ALL, ALL, slice(9, 4), ALL),
        ):
            expected = np.zeros(image.shape)[region].shape
            assert image.reader.read(region).shape == expected


def test_one_plane_of_a_huge_stack_is_read_at_once(tmp_path):
    path = tmp_path / "huge.tif"
    stack = tifffile.memmap(
        path,
        shape=(2000, 4096, 4096),
        dtype=np.uint16,
        bigtiff=True,
        metadata={"axes": "ZYX"},
    )
    stack[1500, 7, 9] = 4711
    del stack
    assert path.stat().st_size > 2000 * 4096**2
    tracemalloc.start()
    image = opened(path)
    plane = image.plane(0, 0, 1500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    path.unlink()
    assert (image.planes, plane[7, 9]) == (2000, 4711)
    assert peak < 4 * plane.nbytes


def test_one_compressed_plane_is_read_without_the_others(tmp_path):
    path = tmp_path / "a.tif"
    pixels = noise(5, 30, 20)
    tifffile.imwrite(path, pixels, compression="zlib", metadata={"axes": "ZYX"})
    spoil(path, pages=[0, 1, 2, 4])
    image = opened(path)
    np.testing.assert_array_equal(image.plane(0, 0, 3), pixels[3])
    with pytest.raises(ImageUnreadable, match=r"a\.tif is damaged"):
        image.volume(0, [0])


def test_one_tile_is_read_without_the_others(tmp_path):
    path = tmp_path / "a.tif"
    pixels = noise(64, 64)
    tifffile.imwrite(path, pixels, compression="zlib", tile=(16, 16))
    spoil(path, pages=[0], parts=[n for n in range(16) if n != 5])
    image = opened(path)
    tile = image.reader.read((ALL, ALL, ALL, slice(17, 31), slice(16, 32)))
    np.testing.assert_array_equal(tile[0, 0, 0], pixels[17:31, 16:32])
    with pytest.raises(ImageUnreadable, match=r"a\.tif is damaged"):
        image.plane(0, 0, 0)


def spoil(path, pages, parts=(0,)):
    """Overwrite compressed pixels with nonsense of the same length."""
    with tifffile.TiffFile(path) as tiff:
        places = [
            (tiff.pages[page].dataoffsets[part], tiff.pages[page].databytecounts[part])
            for page in pages
            for part in parts
        ]
    with path.open("r+b") as file:
        for offset, length in places:
            file.seek(offset)
            file.write(b"\xff" * length)


def test_threads_may_read_at_once(tmp_path):
    pixels = noise(20, 60, 50)
    image = written(
        tmp_path / "a.tif", pixels, compression="zlib", metadata={"axes": "ZYX"}
    )
    barrier = threading.Barrier(8)

    def read(worker):
        barrier.wait(timeout=300)
        return [np.array_equal(image.plane(0, 0, z), pixels[z]) for z in range(20)]

    with ThreadPoolExecutor(8) as pool:
        assert all(all(equal) for equal in pool.map(read, range(8)))


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": None},
        {"metadata": None, "compression": "zlib"},
        {"metadata": {"axes": "ZYX"}},
        {"metadata": {"axes": "ZYX"}, "compression": "zlib"},
        {"metadata": {"axes": "ZYX"}, "ome": True},
        {"metadata": {"axes": "ZYX"}, "ome": True, "compression": "zlib"},
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"metadata": {"axes": "ZYX"}, "bigtiff": True, "tile": (16, 16)},
    ],
)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.97, 0.999])
def test_a_file_that_was_cut_off_is_noticed_at_opening(tmp_path, options, kept):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(9, 40, 50), photometric="minisblack", **options)
    complete = path.read_bytes()
    path.write_bytes(complete[: int(len(complete) * kept)])
    with pytest.raises(ImageUnreadable, match=r"a\.tif is damaged or incomplete"):
        open_images(path, "ZYX")


def test_a_chain_of_pages_that_never_ends_is_noticed(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        for _ in range(150):
            tiff.write(noise(4, 5), contiguous=False, metadata=None)
    with tifffile.TiffFile(path) as tiff:
        end, first = tiff.pages.next_page_offset, tiff.pages[0].offset
    with path.open("r+b") as file:
        file.seek(end)
        file.write(struct.pack("<I", first))
    with pytest.raises(ImageUnreadable, match="is damaged"):
        open_images(path)


@pytest.mark.parametrize("tag", ["ImageWidth", "ImageLength"])
@pytest.mark.parametrize("value", [0, 2**31])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_absurd_sizes_are_refused(tmp_path, tag, value, compression):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(40, 50), compression=compression, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags[tag].overwrite(value, dtype="I")
    with pytest.raises((ImageUnreadable, NotEnoughMemory), match=r"a\.tif"):
        open_images(path)[0].plane(0, 0, 0)


def test_an_unknown_compression_is_named_as_the_reason(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(40, 50), compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["Compression"].overwrite(64999)
    with pytest.raises(ImageUnreadable, match="uses a compression that cannot be read"):
        open_images(path)


@given(st.integers(0, 399), st.integers(0, 255))
def test_a_wrong_byte_gives_an_image_or_a_sentence(tmp_path_factory, place, value):
    path = tmp_path_factory.mktemp("wrong") / "a.tif"
    tifffile.imwrite(path, noise(8, 9, dtype=np.uint8), compression="zlib")
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content)
    with suppress(StudioError):
        for image in open_images(path, "ZYX"):
            assert image.plane(0, 0, 0).shape == image.shape[3:]


@pytest.mark.parametrize("subfiletype", [0, 1])
def test_a_page_that_is_taken_for_a_smaller_copy_is_told(tmp_path, subfiletype):
    path = tmp_path / "two.tif"
    big = np.zeros((96, 128), np.uint8)
    with tifffile.TiffWriter(path) as writer:
        writer.write(big, metadata=None)
        small = big[::2, ::2].copy()
        writer.write(small, metadata=None, subfiletype=subfiletype)
    [image] = open_images(path)
    assert image.shape[-2:] == big.shape
    told = (
        "two.tif has 1 more page (48 × 64 px), taken for a smaller copy of the first "
        "one: only that is used.",
    )
    # Where the file says what the page is, nobody misses it.
    assert image.notes == (() if subfiletype else told)


def test_pages_of_other_sizes_are_images_of_their_own(tmp_path):
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.zeros((96, 128), np.uint8), metadata=None)
        writer.write(np.zeros((50, 70), np.uint8), metadata=None)
    images = open_images(path)
    assert [image.shape[-2:] for image in images] == [(96, 128), (50, 70)]
    assert [image.notes for image in images] == [(), ()]

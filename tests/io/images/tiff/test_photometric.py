"""Palettes, lookup tables, and files in which 0 is white."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.errors import AxesAmbiguous
from cellpose_studio.io.images.reader import open_images

LEVELS = np.arange(256)


def opened(path, axes=None):
    (image,) = open_images(path, axes)
    return image


def numbers(*shape, most=256):
    return np.random.default_rng(0).integers(0, most, shape).astype(np.uint8)


def ramp(*ends):
    """Return a colour map (3, 256) of 16 bits from black over some colours."""
    at = np.linspace(0, 255, len(ends) + 1)
    table = [
        np.interp(LEVELS, at, [0, *channel]) for channel in zip(*ends, strict=True)
    ]
    return (np.array(table) * 65535).astype(np.uint16)


GREEN, FIRE = ramp((0, 1, 0)), ramp((0.5, 0, 0.6), (1, 0.5, 0), (1, 1, 1))
HILO = ramp((1, 1, 1))
HILO[:, 0], HILO[:, 255] = (0, 0, 65535), (65535, 0, 0)


@pytest.mark.parametrize("method", [0, 1, 2])
@pytest.mark.parametrize("colours", [256, 16])
def test_a_palette_of_colours_is_a_colour_picture(
    tmp_path, shared_data, method, colours
):
    pillow = pytest.importorskip("PIL.Image")
    real = tifffile.imread(shared_data / "2d_nuclei_histology" / "histo_2e2d29.tif")
    picture = pillow.fromarray(real[..., :3]).quantize(colours, method=method)
    picture.save(tmp_path / "a.tif")
    image = opened(tmp_path / "a.tif")
    assert image.rgb
    assert image.file_axes == "YXS"
    assert image.channel_names == ("Red", "Green", "Blue")
    expected = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(image.volume(0, range(3))[:, 0], expected)
    np.testing.assert_array_equal(image.plane(0, 1, 0), expected[1])


@pytest.mark.parametrize("table", [GREEN, FIRE, HILO], ids=["green", "fire", "hi-lo"])
def test_behind_a_lookup_table_lie_intensities(tmp_path, table):
    """ImageJ saves any image of 8 bits that is shown in colour like that."""
    pixels = numbers(30, 20)
    tifffile.imwrite(tmp_path / "a.tif", pixels, colormap=table)
    image = opened(tmp_path / "a.tif")
    assert not image.rgb
    np.testing.assert_array_equal(image.plane(0, 0, 0), pixels)


def test_a_grey_palette_is_grey_however_few_its_levels(tmp_path):
    table = np.repeat(np.array([[0, 9000, 30000, 65535]], np.uint16), 3, axis=0)
    table = np.pad(table, ((0, 0), (0, 252)), mode="edge")
    pixels = numbers(30, 20, most=4)
    tifffile.imwrite(tmp_path / "a.tif", pixels, colormap=table)
    np.testing.assert_array_equal(opened(tmp_path / "a.tif").plane(0, 0, 0), pixels)


def test_a_grey_palette_from_white_to_black_is_turned_round(tmp_path):
    pixels = numbers(30, 20)
    tifffile.imwrite(tmp_path / "a.tif", pixels, colormap=ramp((1, 1, 1))[:, ::-1])
    shown = opened(tmp_path / "a.tif").plane(0, 0, 0)
    np.testing.assert_array_equal(shown, 255 - pixels)


def test_a_stack_with_a_palette_is_in_colour(tmp_path):
    table = np.random.default_rng(1).integers(0, 65536, (3, 256)).astype(np.uint16)
    pixels = numbers(4, 30, 20)
    tifffile.imwrite(tmp_path / "a.tif", pixels, colormap=table, metadata=None)
    with pytest.raises(AxesAmbiguous) as asked:
        opened(tmp_path / "a.tif")
    assert asked.value.question.guess == "ZYXS"
    image = opened(tmp_path / "a.tif", "ZYXS")
    assert image.shape == (1, 3, 4, 30, 20)
    expected = (table >> 8).astype(np.uint8)[:, pixels]
    np.testing.assert_array_equal(image.volume(0, range(3)), expected)


def test_colours_of_8_bits_in_a_palette_are_taken_as_meant(tmp_path):
    table = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16)
    pixels = numbers(30, 20)
    tifffile.imwrite(tmp_path / "a.tif", pixels, colormap=table)
    seen = opened(tmp_path / "a.tif").volume(0, range(3))[:, 0]
    np.testing.assert_array_equal(seen, table[:, pixels])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    ("dtype", "brightest"), [("u1", 255), ("u2", 65535), ("i2", -1), ("f4", 0)]
)
def test_where_zero_is_white_brightness_is_turned_round(
    tmp_path, dtype, brightest, compression
):
    pixels = numbers(30, 20).astype(dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="miniswhite", compression=compression)
    image = opened(path)
    shown = image.plane(0, 0, 0)
    assert shown.dtype == image.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(shown, np.dtype(dtype).type(brightest) - pixels)


def test_bits_of_which_0_is_white_are_turned_round(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    pixels = numbers(30, 21) > 100
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    shown = opened(tmp_path / "a.tif").plane(0, 0, 0)
    np.testing.assert_array_equal(shown, ~pixels)
    np.testing.assert_array_equal(
        shown > 0, np.asarray(pillow.open(tmp_path / "a.tif"))
    )

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.reader import open_images

GREY = np.random.default_rng(0).integers(0, 255, (30, 40), np.uint8)
RGB = np.random.default_rng(1).integers(0, 255, (30, 40, 3), np.uint8)


def saved(path, pixels, mode=None, **options):
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(path, **options)
    (image,) = open_images(path)
    return image


def test_grey_png(tmp_path):
    image = saved(tmp_path / "a.png", GREY, dpi=(300, 300))
    assert (image.shape, image.dtype, image.rgb) == ((1, 1, 1, 30, 40), np.uint8, False)
    assert image.pixel_size_um == (None, None, None)
    np.testing.assert_array_equal(image.plane(0, 0, 0), GREY)


def test_png_of_sixteen_bits_keeps_them(tmp_path):
    image = saved(tmp_path / "a.png", GREY.astype(np.uint16) * 257)
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image.plane(0, 0, 0), GREY.astype(np.uint16) * 257)


def test_colour_png(tmp_path):
    image = saved(tmp_path / "a.png", RGB)
    assert (image.shape, image.rgb) == ((1, 3, 1, 30, 40), True)
    assert image.channel_names == ("Red", "Green", "Blue")
    np.testing.assert_array_equal(
        image.volume(0, [2, 1])[:, 0], np.moveaxis(RGB, -1, 0)[[2, 1]]
    )


@pytest.mark.parametrize(("pixels", "channels"), [(RGB, 3), (GREY, 1)])
def test_transparency_of_a_png_is_left_out(tmp_path, pixels, channels):
    with_alpha = np.dstack([pixels, GREY])
    image = saved(tmp_path / "a.png", with_alpha)
    assert (image.channels, image.rgb) == (channels, channels == 3)
    first = pixels[..., 0] if channels == 3 else pixels
    np.testing.assert_array_equal(image.plane(0, 0, 0), first)


@pytest.mark.parametrize("options", [{}, {"transparency": 0}])
def test_png_with_a_palette_becomes_a_colour_picture(tmp_path, options):
    image = saved(tmp_path / "a.png", RGB // 64 * 64, mode="P", **options)
    assert (image.shape, image.rgb) == ((1, 3, 1, 30, 40), True)
    expected = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    np.testing.assert_array_equal(
        image.volume(0, range(3))[:, 0], np.moveaxis(expected, -1, 0)
    )


def test_png_of_one_bit_becomes_bytes(tmp_path):
    image = saved(tmp_path / "a.png", GREY > 100)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image.plane(0, 0, 0) > 0, GREY > 100)


@pytest.mark.parametrize(("pixels", "channels"), [(GREY, 1), (RGB, 3)])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(tmp_path, pixels, channels, progressive):
    image = saved(tmp_path / "a.jpg", pixels, progressive=progressive)
    assert (image.shape, image.rgb) == ((1, channels, 1, 30, 40), channels == 3)
    expected = np.atleast_3d(np.asarray(Image.open(tmp_path / "a.jpg")))
    read = np.moveaxis(image.volume(0, range(channels))[:, 0], 0, -1)
    np.testing.assert_allclose(read.astype(int), expected.astype(int), atol=2)


def test_jpeg_in_the_colours_of_printers_is_refused(tmp_path):
    with pytest.raises(ImageUnreadable, match="CMYK"):
        saved(tmp_path / "a.jpg", RGB, mode="CMYK")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_picture_that_was_cut_off_is_noticed(tmp_path, name, kept):
    path = tmp_path / name
    Image.fromarray(RGB).save(path)
    complete = path.read_bytes()
    path.write_bytes(complete[: int(len(complete) * kept)])
    with pytest.raises(ImageUnreadable, match="is damaged or incomplete"):
        open_images(path)


def test_a_cut_jpeg_with_a_preview_is_noticed(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(GREY[:8, :8]).save(path)
    preview = path.read_bytes()
    Image.fromarray(RGB).save(path)
    complete = path.read_bytes()
    comment = b"\xff\xe2" + (len(preview) + 2).to_bytes(2, "big") + preview
    path.write_bytes(complete[:2] + comment + complete[2:])
    assert open_images(path)[0].shape == (1, 3, 1, 30, 40)
    path.write_bytes((complete[:2] + comment + complete[2:])[:-100])
    with pytest.raises(ImageUnreadable, match="is damaged"):
        open_images(path)


def test_many_pictures_stay_readable(tmp_path, monkeypatch):
    from cellpose_studio.io.images import png_jpeg
    from cellpose_studio.io.images.decode_cache import DecodeCache

    monkeypatch.setattr(png_jpeg, "DECODED", DecodeCache(3 * GREY.nbytes))
    images = []
    for n in range(6):
        Image.fromarray(GREY + n).save(tmp_path / f"{n}.png")
        images += open_images(tmp_path / f"{n}.png")
    for n, image in enumerate(images):
        np.testing.assert_array_equal(image.plane(0, 0, 0), GREY + n)

from __future__ import annotations

from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.display import thumbnail
from cellpose_studio.core.display.thumbnail import image_thumbnail
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.cache.thumbnails import ThumbnailCache, from_png, png
from cellpose_studio.io.images.reader import open_images

PICTURE = np.random.default_rng(0).integers(0, 255, (7, 9, 3)).astype(np.uint8)
CONTENT = png(PICTURE)


@pytest.fixture
def cache(tmp_path):
    return ThumbnailCache(tmp_path / "thumbnails")


@pytest.fixture
def image(cells):
    return open_images(cells("a.tif"))[0]


def file_in(tmp_path):
    [file] = (tmp_path / "thumbnails").iterdir()
    return file


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 96), st.integers(1, 96), st.just(3)))
)
def test_pictures_come_back_as_they_were(picture):
    np.testing.assert_array_equal(from_png(png(picture)), picture)


def test_other_programs_can_read_them():
    np.testing.assert_array_equal(imagecodecs.imread(CONTENT), PICTURE)


@given(st.integers(0, len(CONTENT) - 13))
def test_a_picture_that_was_cut_is_refused(length):
    with pytest.raises(ValueError):
        from_png(CONTENT[:length])


@given(st.integers(0, 8 * len(CONTENT) - 1))
def test_a_picture_with_a_wrong_bit_is_refused_or_the_same(bit):
    content = bytearray(CONTENT)
    content[bit // 8] ^= 1 << bit % 8
    try:
        picture = from_png(bytes(content))
    except ValueError:
        return
    np.testing.assert_array_equal(picture, PICTURE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        imagecodecs.png_encode(np.zeros((2, 2), np.uint8)),
        imagecodecs.png_encode(np.zeros((2, 2, 3), np.uint16)),
        imagecodecs.png_encode(np.zeros((2, 2, 4), np.uint8)),
        imagecodecs.png_encode(np.zeros((2, 1025, 3), np.uint8)),
        imagecodecs.jpeg_encode(PICTURE),
    ],
)
def test_other_pictures_are_refused(content):
    with pytest.raises(ValueError):
        from_png(content)


def test_a_thumbnail_is_made_once(cache, image, monkeypatch):
    assert cache.get(image) is None
    made = cache.of(image)
    np.testing.assert_array_equal(made, image_thumbnail(image))
    monkeypatch.setattr(thumbnail, "image_thumbnail", None)
    np.testing.assert_array_equal(cache.of(image), made)
    np.testing.assert_array_equal(cache.get(image), made)


def test_images_scenes_axes_and_sizes_are_told_apart(cache, image):
    cache.put(image, PICTURE)
    others = [
        replace(image, fingerprint="other"),
        replace(image, scene="2"),
        replace(image, file_axes="XY"),
        replace(image, shape=(2, *image.shape[1:])),
    ]
    assert [cache.get(other) for other in others] == [None] * 4
    assert cache.get(image, 48) is None
    assert cache.get(replace(image, path=image.path / "moved")) is not None


def test_a_damaged_file_is_replaced(cache, image, tmp_path):
    made = cache.of(image)
    file = file_in(tmp_path)
    file.write_bytes(file.read_bytes()[:-20])
    assert cache.get(image) is None
    np.testing.assert_array_equal(cache.of(image), made)
    np.testing.assert_array_equal(cache.get(image), made)
    assert file_in(tmp_path) == file


def test_a_disk_without_room_is_no_failure(image, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    cache = ThumbnailCache(tmp_path / "file" / "thumbnails")
    np.testing.assert_array_equal(cache.of(image), image_thumbnail(image))
    assert cache.get(image) is None


def test_an_image_that_has_gone_is_named(cache, image):
    image.path.unlink()
    with pytest.raises(ImageUnreadable, match=r"a\.tif"):
        cache.of(image)


def test_a_real_picture_keeps_its_colours(shared_data):
    [image] = open_images(shared_data / "formats" / "ht29_rgb.png")
    whole = np.stack([image.plane(0, c, 0) for c in range(3)], axis=-1)
    shown = image_thumbnail(image)
    np.testing.assert_allclose(shown.mean(axis=(0, 1)), whole.mean(axis=(0, 1)), atol=2)

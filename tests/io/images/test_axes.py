from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.io.images.reader import open_images


def bare(path, shape, **options):
    """Write pages without a word about what they are."""
    pixels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, **options)
    return pixels


def question(path):
    with pytest.raises(AxesAmbiguous) as error:
        open_images(path)
    return error.value.question


@pytest.mark.parametrize(
    ("shape", "guess", "words"),
    [
        ((12, 20, 30), "ZYX", "12 planes of a stack"),
        ((6, 20, 30), "ZYX", "6 planes of a stack"),
        ((5, 20, 30), "CYX", "5 channels"),
        ((3, 20, 30), "CYX", "3 channels"),
        ((2, 20, 30), "CYX", "2 channels"),
        ((20, 30, 3), "YXS", "a colour picture"),
        ((20, 30, 4), "YXS", "a colour picture"),
        ((20, 30, 2), "YXC", "2 channels"),
    ],
)
def test_three_axes_are_asked_about_with_the_likeliest_first(
    tmp_path, shape, guess, words
):
    pixels = bare(tmp_path / "a.tif", shape)
    asked = question(tmp_path / "a.tif")
    assert (asked.path, asked.shape) == (tmp_path / "a.tif", shape)
    assert asked.guess == guess
    assert asked.choices[0] == (guess, words)
    (image,) = open_images(tmp_path / "a.tif", guess)
    assert image.file_axes == guess
    assert image.rgb == ("S" in guess)
    first = pixels[0] if guess.endswith("YX") else pixels[..., 0]
    np.testing.assert_array_equal(image.plane(0, 0, 0), first)


def test_the_question_offers_time_planes_and_channels(tmp_path):
    bare(tmp_path / "a.tif", (12, 20, 30))
    assert dict(question(tmp_path / "a.tif").choices) == {
        "ZYX": "12 planes of a stack",
        "TYX": "12 time points",
        "CYX": "12 channels",
    }


@pytest.mark.parametrize(
    ("shape", "guess"),
    [
        ((12, 2, 20, 30), "ZCYX"),
        ((2, 12, 20, 30), "CZYX"),
        ((10, 12, 20, 30), "TZYX"),
        ((2, 3, 20, 30), "ZCYX"),
        ((10, 20, 30, 3), "ZYXS"),
        ((7, 12, 2, 20, 30), "TZCYX"),
        ((7, 2, 12, 20, 30), "TCZYX"),
    ],
)
def test_more_axes_are_asked_about_too(tmp_path, shape, guess):
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros(shape, np.uint8), photometric="minisblack"
    )
    asked = question(tmp_path / "a.tif")
    assert asked.shape == shape
    assert asked.guess == asked.choices[0][0] == guess
    assert len(set(asked.choices)) == len(asked.choices)
    for axes, words in asked.choices:
        (image,) = open_images(tmp_path / "a.tif", axes)
        assert f"{image.frames} time point" in words or image.frames == 1
        assert f"{image.planes} plane" in words or image.planes == 1


def test_several_axes_are_described_together(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((12, 2, 20, 30), np.uint8))
    described = dict(question(tmp_path / "a.tif").choices)
    assert described["ZCYX"] == "12 planes of a stack, 2 channels"
    assert described["TZYX"] == "12 time points, 2 planes of a stack"


def test_planes_of_colours_are_asked_about(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((7, 20, 30, 3), np.uint8),
        photometric="rgb",
        metadata=None,
    )
    asked = question(tmp_path / "a.tif")
    assert asked.choices == (
        ("ZYXS", "7 planes of a stack, in colour"),
        ("TYXS", "7 time points, in colour"),
    )
    (image,) = open_images(tmp_path / "a.tif", "TYXS")
    assert (image.shape, image.rgb) == ((7, 3, 1, 20, 30), True)


def test_planes_of_several_samples_are_asked_about(tmp_path):
    pixels = np.arange(7 * 20 * 30 * 6, dtype=np.uint16).reshape(7, 20, 30, 6)
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        photometric="minisblack",
        planarconfig="contig",
        metadata=None,
    )
    assert question(tmp_path / "a.tif").guess == "ZYXS"
    (image,) = open_images(tmp_path / "a.tif", "ZYXS")
    assert (image.shape, image.rgb) == ((1, 6, 7, 20, 30), False)
    np.testing.assert_array_equal(image.plane(0, 5, 3), pixels[3, ..., 5])


def test_axes_that_are_named_twice_are_asked_about(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((7, 12, 20, 30), np.uint8),
        metadata={"axes": "ZZYX"},
    )
    assert question(tmp_path / "a.tif").guess == "TZYX"


def test_an_array_of_three_planes_is_no_colour_picture_without_asking(tmp_path):
    pixels = np.arange(3 * 20 * 30, dtype=np.uint8).reshape(3, 20, 30)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", planarconfig="separate"
    )
    asked = question(tmp_path / "a.tif")
    assert asked.guess == "CYX"
    assert dict(asked.choices)["SYX"] == "a colour picture"
    for axes, rgb in (("CYX", False), ("SYX", True)):
        (image,) = open_images(tmp_path / "a.tif", axes)
        assert (image.shape, image.rgb) == ((1, 3, 1, 20, 30), rgb)
        np.testing.assert_array_equal(image.volume(0, range(3))[:, 0], pixels)


@pytest.mark.parametrize("shape", [(20, 30), (1, 20, 30), (1, 1, 20, 30), (20, 30, 1)])
def test_planes_are_never_asked_about(tmp_path, shape):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(shape, np.uint16))
    (image,) = open_images(tmp_path / "a.tif")
    assert image.shape == (1, 1, 1, 20, 30)


def test_axes_of_length_one_are_left_out_of_the_question(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((1, 12, 1, 20, 30), np.uint8))
    assert question(tmp_path / "a.tif").shape == (12, 20, 30)


def test_too_many_axes_have_no_answer(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 2, 2, 2, 20, 30), np.uint8))
    with pytest.raises(
        ImageUnreadable, match="6 axes, of the lengths 2 × 2 × 2 × 2 × 20 × 30"
    ):
        open_images(tmp_path / "a.tif")


@pytest.mark.parametrize("given", ["ZYX", "zyx", " ZYX "])
def test_an_answer_may_be_written_in_any_way(tmp_path, given):
    bare(tmp_path / "a.tif", (12, 20, 30))
    assert open_images(tmp_path / "a.tif", given)[0].file_axes == "ZYX"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "one letter per axis"),
        ("YX", "the image has 3 axes, of the lengths 12 × 20 × 30"),
        ("TZYX", "the image has 3 axes"),
        ("ZZX", "each of them once"),
        ("QYX", "allowed are Y, X and any of T, C, Z and S"),
        ("ZTX", "allowed are Y, X and any of"),
        ("SYX", "S stands for 3 or 4 colours, but there are 12"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(tmp_path, given, reason):
    bare(tmp_path / "a.tif", (12, 20, 30))
    with pytest.raises(ImageUnreadable) as error:
        open_images(tmp_path / "a.tif", given)
    assert reason in str(error.value)


def test_a_file_that_says_its_axes_is_believed(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        np.zeros((12, 20, 30), np.uint8),
        metadata={"axes": "TYX"},
    )
    assert open_images(tmp_path / "a.ome.tif", "ZYX")[0].frames == 12

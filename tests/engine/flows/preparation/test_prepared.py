"""What steps make of images, against scikit-image, and part by part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage import color, morphology, restoration

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.channels import default_channels
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.core.runs.preparation.merge import Merge
from cellpose_studio.core.runs.preparation.stain import SeparateStain
from cellpose_studio.engine.flows.preparation import readers
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.picture import input_picture
from cellpose_studio.engine.flows.preparation.prepared import prepared

METHODS = ("rolling-ball", "white-top-hat", "black-top-hat", "gaussian")


class Array:
    """A reader of an array."""

    def __init__(self, pixels):
        self.pixels = pixels

    def read(self, region):
        return self.pixels[region].copy()


def image_of(pixels: np.ndarray, rgb=False) -> ImageSource:
    """Return an image of TCZYX pixels."""
    return ImageSource(
        path=Path("a.tif"),
        scene="",
        shape=pixels.shape,
        dtype=pixels.dtype,
        file_axes="TCZYX",
        pixel_size_um=(None, None, None),
        channel_names=tuple(f"c{n}" for n in range(pixels.shape[1])),
        rgb=rgb,
        fingerprint="",
        reader=Array(pixels),
    )


def everything(image: ImageSource) -> np.ndarray:
    return image.reader.read(tuple(slice(0, n) for n in image.shape))


@pytest.fixture
def pixels() -> np.ndarray:
    random = np.random.default_rng(4)
    shape = (2, 3, 2, 60, 70)
    ground = np.linspace(0, 300, 70)
    return (random.gamma(2.0, 90.0, shape) + ground).astype(np.uint16)


def test_no_steps_leave_the_image_alone(pixels):
    image = image_of(pixels)
    assert prepared(image, ()) is image


def test_a_merged_channel_follows_those_of_the_image(pixels):
    step = Merge(channels=(3, 1), weights=(0.5, -2.0))
    found = prepared(image_of(pixels), (step,))
    seen = everything(found)
    np.testing.assert_array_equal(seen[:, :3], pixels)
    expected = 0.5 * pixels[:, 2].astype(np.float32) - 2 * pixels[:, 0]
    np.testing.assert_allclose(seen[:, 3], expected, rtol=1e-6)
    assert (found.shape[1], found.own_channels) == (4, 3)
    assert default_channels(found, 2) == (4, None)
    brightest = prepared(image_of(pixels), (Merge(channels=(1, 2), how="maximum"),))
    np.testing.assert_array_equal(everything(brightest)[:, 3], pixels[:, :2].max(1))


def test_stains_are_those_of_scikit_image(pixels):
    colours = (pixels.clip(0, 2550) // 10).astype(np.uint8)
    image = image_of(colours, rgb=True)
    steps = (SeparateStain(), SeparateStain(stain="eosin"))
    seen = everything(prepared(image, steps))
    expected = color.rgb2hed(np.moveaxis(colours, 1, -1))
    np.testing.assert_allclose(seen[:, 3], expected[..., 0], atol=1e-5)
    np.testing.assert_allclose(seen[:, 4], expected[..., 1], atol=1e-5)
    # Colours of another type are as bright by what is white there.
    as_floats = image_of((colours / 255).astype(np.float32), rgb=True)
    found = everything(prepared(as_floats, steps))
    np.testing.assert_allclose(found[:, 3:], seen[:, 3:], atol=1e-5)


def test_backgrounds_are_those_of_scikit_image(pixels):
    plane = pixels[1, 2, 0].astype(np.float32)
    disc = morphology.disk(4)

    def of(method):
        step = SubtractBackground(method=method, radius=4, channel=3)
        seen = everything(prepared(image_of(pixels), (step,)))
        np.testing.assert_array_equal(seen[:, :2], pixels[:, :2])
        return seen[1, 2, 0]

    given = {"footprint": disc, "mode": "ignore"}
    white = morphology.white_tophat(plane, **given)
    black = morphology.black_tophat(plane, **given)
    np.testing.assert_allclose(of("white-top-hat"), white, rtol=1e-6)
    np.testing.assert_allclose(of("black-top-hat"), black, rtol=1e-6)
    # As high as a quarter of the contrast of the first time point's middle plane.
    height = np.ptp(np.percentile(pixels[0, 2, 1], (1, 99))) / 4
    kernel = restoration.ellipsoid_kernel((9, 9), height)
    ball = restoration.rolling_ball(plane, kernel=kernel)
    np.testing.assert_allclose(of("rolling-ball"), plane - ball, atol=1e-2)


@pytest.mark.parametrize("method", METHODS)
def test_the_unit_of_intensities_does_not_matter(pixels, method):
    step = SubtractBackground(method=method, radius=5)
    seen = everything(prepared(image_of(pixels), (step,)))
    scaled = image_of((pixels * 0.001 + 7).astype(np.float32))
    found = everything(prepared(scaled, (step,)))
    np.testing.assert_allclose(found, seen * 0.001, atol=1e-4)


@pytest.mark.parametrize("with_holes", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_each_part_is_that_of_the_whole_image(pixels, method, with_holes):
    if with_holes:
        pixels = pixels.astype(np.float32)
        pixels[:, :, :, 20:31, 15:40] = np.nan
        pixels[:, 1, :, 50, 60] = np.inf
    steps = (
        SubtractBackground(method=method, radius=6, channel=2),
        Merge(channels=(2, 3)),
        SubtractBackground(method=method, radius=3),
    )
    image = prepared(image_of(pixels), steps)
    whole = everything(image)
    assert np.isnan(whole[:, 3]).any() == with_holes
    assert np.isfinite(whole[~np.isnan(whole)]).all()
    random = np.random.default_rng(1)
    for _ in range(12):
        y, x = random.integers(0, 50, 2)
        rows, columns = (slice(at, at + int(random.integers(1, 25))) for at in (y, x))
        region = (slice(1, 2), slice(1, 4), slice(0, 2), rows, columns)
        np.testing.assert_array_equal(image.reader.read(region), whole[region])


@pytest.mark.parametrize("radius", [25, 60])
def test_a_large_ball_rolls_under_all_parts_alike(radius, monkeypatch):
    random = np.random.default_rng(3)
    pixels = random.gamma(2.0, 90.0, (1, 1, 1, 203, 231)) + np.linspace(0, 900, 231)
    # Cells are much higher than the ball lets the background be.
    pixels[..., 100:112, 110:122] += 3000
    step = SubtractBackground(radius=radius)
    image = prepared(image_of(pixels.astype(np.uint16)), (step,))
    whole = everything(image)[0, 0, 0]
    assert np.median(whole[104:108, 114:118]) > 2500
    assert abs(np.median(whole[:, :40]) - np.median(whole[:, -40:])) < 60
    monkeypatch.setattr(readers, "_BAND", 37)
    np.testing.assert_array_equal(everything(image)[0, 0, 0], whole)
    for y, x in random.integers(0, 150, (8, 2)):
        part = slice(y, y + 41), slice(x, x + 33)
        seen = image.reader.read((slice(0, 1),) * 3 + part)[0, 0, 0]
        np.testing.assert_array_equal(seen, whole[part])


def test_holes_stay_holes_and_spoil_nothing_else(pixels):
    holed = pixels.astype(np.float32)
    holed[..., 30:, :] = np.nan
    for method in METHODS:
        step = SubtractBackground(method=method, radius=5)
        seen = everything(prepared(image_of(holed), (step,)))
        np.testing.assert_array_equal(np.isnan(seen), np.isnan(holed))
        cut = image_of(np.ascontiguousarray(pixels[..., :30, :]).astype(np.float32))
        if method in ("white-top-hat", "black-top-hat"):
            alone = everything(prepared(cut, (step,)))
            np.testing.assert_allclose(seen[..., :30, :], alone, rtol=1e-5)


def test_what_the_image_lacks_is_said(pixels):
    image = image_of(pixels[:, :2])
    for step, said in (
        (Merge(channels=(1, 3)), "has no channel 3"),
        (SubtractBackground(channel=4), "has no channel 4"),
        (SeparateStain(), "has no colours"),
    ):
        with pytest.raises(ParametersUnfit, match=said):
            prepared(image, (step,))


def test_a_stop_is_noticed_between_planes(pixels):
    checkpoint = Checkpoint()
    checkpoint.stop()
    context = StepContext(checkpoint=checkpoint)
    for step in (SubtractBackground(radius=2), Merge(), SeparateStain()):
        with pytest.raises(Cancelled):
            everything(prepared(image_of(pixels), (step,), context))


def test_the_picture_shows_the_inputs(pixels):
    image = image_of(pixels)
    parameters = SegmentationParameters(channels=(4, None), preparation=(Merge(),))
    part = slice(0, 60), slice(10, 70)
    grey = input_picture(image, parameters, 1, 0, part)
    assert grey.shape == (60, 60, 3)
    assert (grey[..., 0] == grey[..., 2]).all()
    assert np.ptp(grey) > 200
    two = input_picture(
        image, parameters.model_copy(update={"channels": (1, 2)}), 1, 0, part
    )
    assert (two[..., 0] == two[..., 2]).all()
    assert (two[..., 0] != two[..., 1]).any()
    nothing = parameters.model_copy(update={"channels": (None,)})
    with pytest.raises(ParametersUnfit):
        input_picture(image, nothing, 0, 0, part)


def test_grey_leaves_out_what_was_made(pixels):
    image = image_of(pixels)
    common = {"normalization": {"normalize": False}}
    plain = SegmentationParameters(channels=(0, 1), **common)
    merged = SegmentationParameters(channels=(0, 4), preparation=(Merge(),), **common)
    part = slice(0, 60), slice(0, 70)
    shown = [
        input_picture(replace(image), one, 0, 0, part)[..., 1]
        for one in (plain, merged)
    ]
    np.testing.assert_array_equal(*shown)

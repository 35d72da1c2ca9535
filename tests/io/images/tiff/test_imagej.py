from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.io.images.reader import open_images


def stack(*shape):
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def opened(path):
    (image,) = open_images(path)
    return image


@given(st.tuples(*(st.integers(1, 4) for _ in "TZC")))
def test_hyperstacks_keep_time_planes_and_channels_apart(tmp_path_factory, lengths):
    path = tmp_path_factory.mktemp("imagej") / "a.tif"
    pixels = stack(*lengths, 6, 7)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TZCYX"})
    image = opened(path)
    t, z, c = lengths
    assert image.shape == (t, c, z, 6, 7)
    for at in np.ndindex(t, c, z):
        np.testing.assert_array_equal(image.plane(*at), pixels[at[0], at[2], at[1]])


@pytest.mark.parametrize(
    "unit", ["um", "µm", "micron", "\\u00B5m", "microns", "\u03bcm"]
)
def test_the_pixel_size_is_known_in_all_spellings_of_the_micrometre(tmp_path, unit):
    path = tmp_path / "a.tif"
    description = (
        f"ImageJ=1.53t\nimages=5\nslices=5\nhyperstack=true\nspacing=1.5\nunit={unit}\n"
    )
    tifffile.imwrite(
        path,
        stack(5, 6, 7),
        description=description.encode(),
        metadata=None,
        resolution=(4, 5),
        resolutionunit="none",
        photometric="minisblack",
    )
    assert opened(path).pixel_size_um == pytest.approx((1.5, 0.2, 0.25))


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("nm", 1e-3),
        ("mm", 1e3),
        ("pixel", None),
        ("inch", None),
        ("cm", None),
        ("", None),
        ("sec", None),
    ],
)
def test_other_units_are_converted_or_unknown(tmp_path, unit, factor):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        stack(5, 6, 7),
        imagej=True,
        resolution=(0.5, 0.5),
        metadata={"axes": "ZYX", "spacing": 3.0, "unit": unit},
    )
    size = (3 * factor, 2 * factor, 2 * factor) if factor else (None, None, None)
    assert opened(path).pixel_size_um == (pytest.approx(size) if factor else size)


def test_a_resolution_of_zero_is_unknown(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack(6, 7), imagej=True, metadata={"unit": "um"})
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["XResolution"].overwrite((0, 1))
        tiff.pages[0].tags["YResolution"].overwrite((1, 0))
    assert opened(path).pixel_size_um == (None, None, None)


def test_labels_name_the_channels_if_all_planes_of_one_agree(tmp_path):
    path = tmp_path / "a.tif"
    labels = ["DAPI", "GFP\nmore about it"] * 3
    tifffile.imwrite(
        path,
        stack(3, 2, 6, 7),
        imagej=True,
        metadata={"axes": "ZCYX", "Labels": labels},
    )
    assert opened(path).channel_names == ("DAPI", "GFP")


def test_labels_of_single_planes_name_no_channels(tmp_path):
    path = tmp_path / "a.tif"
    labels = [f"c:{c} z:{z}" for z in range(3) for c in range(2)]
    tifffile.imwrite(
        path,
        stack(3, 2, 6, 7),
        imagej=True,
        metadata={"axes": "ZCYX", "Labels": labels},
    )
    assert opened(path).channel_names == ("Channel 1", "Channel 2")


def test_stacks_in_colour(tmp_path):
    path = tmp_path / "a.tif"
    pixels = stack(4, 6, 7, 3).astype(np.uint8)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZYXS"})
    image = opened(path)
    assert (image.shape, image.rgb) == ((1, 3, 4, 6, 7), True)
    np.testing.assert_array_equal(image.plane(0, 2, 3), pixels[3, ..., 2])


def plain_stack(path, more=""):
    """What ImageJ writes of a sequence of images: it calls all of them slices."""
    description = f"ImageJ=1.53t\nimages=9\nslices=9\n{more}loop=false\n"
    pixels = stack(9, 6, 7)
    tifffile.imwrite(
        path, pixels, description=description, metadata=None, photometric="minisblack"
    )
    return pixels


@pytest.mark.parametrize(
    ("more", "guess"), [("", "ZYX"), ("finterval=2.5\n", "TYX"), ("fps=7.0\n", "TYX")]
)
def test_a_plain_sequence_may_be_a_time_series(tmp_path, more, guess):
    pixels = plain_stack(tmp_path / "a.tif", more)
    with pytest.raises(AxesAmbiguous) as error:
        open_images(tmp_path / "a.tif")
    question = error.value.question
    assert question.shape == (9, 6, 7)
    assert question.guess == question.choices[0][0] == guess
    assert dict(question.choices)["TYX"] == "9 time points"
    (image,) = open_images(tmp_path / "a.tif", "TYX")
    np.testing.assert_array_equal(image.plane(8, 0, 0), pixels[8])


@pytest.mark.parametrize("more", ["hyperstack=true\n", "spacing=2.0\nunit=um\n"])
def test_a_calibrated_stack_is_a_stack(tmp_path, more):
    plain_stack(tmp_path / "a.tif", more)
    assert opened(tmp_path / "a.tif").planes == 9


def test_frames_are_time_points(tmp_path):
    description = "ImageJ=1.53t\nimages=9\nframes=9\nfinterval=2.5\n"
    tifffile.imwrite(
        tmp_path / "a.tif",
        stack(9, 6, 7),
        description=description,
        metadata=None,
        photometric="minisblack",
    )
    assert opened(tmp_path / "a.tif").frames == 9


def test_metadata_that_contradict_the_pages_are_not_believed(tmp_path):
    description = "ImageJ=1.53t\nimages=9\nslices=9\nhyperstack=true\nunit=um\n"
    pixels = stack(4, 6, 7)
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        description=description,
        metadata=None,
        photometric="minisblack",
    )
    with pytest.raises(AxesAmbiguous) as error:
        open_images(tmp_path / "a.tif")
    assert error.value.question.shape == (4, 6, 7)
    (image,) = open_images(tmp_path / "a.tif", "ZYX")
    np.testing.assert_array_equal(image.plane(0, 0, 3), pixels[3])


def test_a_large_stack_that_was_cut_off_is_noticed(tmp_path):
    """ImageJ describes one beyond 4 GB by its first page only."""
    path = tmp_path / "a.tif"
    description = "ImageJ=1.53t\nimages=9\nslices=9\nhyperstack=true\n"
    tifffile.imwrite(path, stack(6, 7), description=description, metadata=None)
    with path.open("ab") as file:
        file.write(stack(8, 6, 7).tobytes())
    assert opened(path).planes == 9
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ImageUnreadable, match="is damaged or incomplete"):
        open_images(path)


def test_the_label_of_a_plane_is_no_name_of_its_channel(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, stack(6, 7), imagej=True, metadata={"Labels": ["IMG_0001.tif"]}
    )
    assert opened(path).channel_names == ("Channel 1",)


UM = (1.5, 2.0, 2.0)


@pytest.mark.parametrize(
    ("more", "size", "ratio"),
    [
        ({"unit": "micrometers"}, UM, 0.75),
        ({"unit": "Micrometer"}, UM, 0.75),
        ({"unit": "nanometers"}, (0.0015, 0.002, 0.002), 0.75),
        ({"unit": "millimeters"}, (1500, 2000, 2000), 0.75),
        ({"unit": "pixels"}, (None, None, None), 0.75),
        ({"unit": "pixel"}, (None, None, None), 0.75),
        ({}, (None, None, None), 0.75),
        ({"unit": "um", "spacing": -1.5}, UM, 0.75),
        ({"unit": "um", "zunit": "nm", "spacing": 1500.0}, UM, 0.75),
        ({"unit": "um", "yunit": "nm"}, (1.5, 0.002, 2.0), 750),
        ({"unit": "um", "zunit": "frames"}, (None, 2.0, 2.0), None),
        ({"unit": "inch"}, (None, None, None), None),
    ],
    ids=str,
)
def test_distances_in_all_ways_to_say_them(tmp_path, more, size, ratio):
    """A ratio needs no unit, only that of planes and pixels is the same."""
    path = tmp_path / "a.tif"
    metadata = {"axes": "ZYX", "spacing": 1.5, **more}
    pixels = stack(5, 6, 7)
    tifffile.imwrite(
        path, pixels, imagej=True, resolution=(0.5, 0.5), metadata=metadata
    )
    image = opened(path)
    expected = [n if n is None else pytest.approx(n) for n in size]
    assert list(image.pixel_size_um) == expected
    assert image.anisotropy == (ratio and pytest.approx(ratio))


def test_a_resolution_for_printing_says_nothing_of_planes(tmp_path):
    path = tmp_path / "a.tif"
    description = "ImageJ=1.54f\nimages=5\nslices=5\nhyperstack=true\nspacing=2.0\n"
    tifffile.imwrite(
        path,
        stack(5, 6, 7),
        description=description,
        metadata=None,
        resolution=(72, 72),
        resolutionunit="inch",
        photometric="minisblack",
    )
    assert opened(path).anisotropy is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("cf=0\nc0=-32768\nc1=1\nvunit=gray value\n", (-32768, 1, "")),
        ("cf=0\nc0=-1.5\nc1=0.25\nvunit=OD\n", (-1.5, 0.25, "OD")),
        ("cf=0\nc0=2\nc1=0\n", (0, 1, "")),
        ("cf=0\nc0=NaN\nc1=2\n", (0, 1, "")),
        ("cf=1\nc0=1\nc1=2\nc2=3\nvunit=OD\n", (0, 1, "")),
        ("", (0, 1, "")),
    ],
)
def test_straight_lines_calibrate_grey_values(tmp_path, lines, expected):
    path = tmp_path / "a.tif"
    description = f"ImageJ=1.53t\nimages=1\n{lines}"
    tifffile.imwrite(path, stack(6, 7), description=description, metadata=None)
    found = opened(path).grey_calibration
    assert (found.offset, found.slope, found.unit) == expected

from __future__ import annotations

from pathlib import Path

import pytest

from cellpose_studio.core.images.grey_calibration import GreyCalibration
from cellpose_studio.core.measure.columns import columns_of, slugs
from cellpose_studio.core.measure.definition import GROUPS
from cellpose_studio.core.measure.definitions import DEFINITIONS
from cellpose_studio.core.measure.inputs import ChannelInfo
from cellpose_studio.core.measure.scale import Scale, scale_of
from tests.core.measure.page import tables
from tests.images import image_of

ROOT = Path(__file__).parents[3]


def names(*args, **options):
    return [column.name for column in columns_of(*args, **options)]


def test_the_page_has_the_definition_of_every_column():
    text = (ROOT / "docs" / "measurements.md").read_text("utf-8")
    assert text.endswith(tables())
    assert all(definition.text in text for definition in DEFINITIONS)


def test_every_name_occurs_once():
    channels = [ChannelInfo(name=name) for name in ("DAPI", "dapi", "?", "")]
    for deep in (False, True):
        found = names(Scale(um=1), deep, channels, facts=True)
        assert len({name.casefold() for name in found}) == len(found)
        assert all(name.isascii() for name in found)


def test_planes_and_stacks_have_columns_of_their_own():
    flat, deep = names(Scale(um=1), False), names(Scale(um=1), True)
    assert {"area_um2", "perimeter_px", "eccentricity"} <= {*flat} - {*deep}
    assert {"volume_um3", "surface_px2", "axis_middle_um"} <= {*deep} - {*flat}


def test_groups_choose_columns():
    every = names(Scale(), False, [ChannelInfo(name="a")], facts=True)
    parts = [
        names(Scale(), False, [ChannelInfo(name="a")], [group], True)
        for group in GROUPS
    ]
    assert sorted(name for part in parts for name in part) == sorted(every)
    assert all(parts)


def test_names_of_channels_as_parts_of_names():
    assert slugs(["DAPI", "Alexa 488/GFP", "DAPI", "ß-Tubulin", ""]) == [
        "DAPI", "Alexa_488_GFP", "DAPI_2", "ß_Tubulin", "channel",
    ]  # fmt: skip


def test_the_unit_of_a_calibration_is_that_of_the_column():
    grey = GreyCalibration(slope=2, unit="OD")
    found = columns_of(Scale(), False, [ChannelInfo(name="a", grey=grey)])
    assert {c.unit for c in found if c.channel == 0} == {"OD"}
    assert next(c for c in found if c.name == "sd_a").heading == "SD of a, OD"


@pytest.mark.parametrize(
    ("planes", "size", "ratio", "expected"),
    [
        (1, (None, None, None), None, ((1, 1, 1), None)),
        (1, (None, 0.5, 0.5), None, ((1, 1, 1), 0.5)),
        (1, (None, 0.5, 1.0), None, ((1, 1, 2), 0.5)),
        (5, (2.0, 0.5, 0.5), None, ((4, 1, 1), 0.5)),
        # A volume in µm³ would be wrong.
        (5, (None, 0.5, 0.5), None, ((1, 1, 1), None)),
        (5, (None, None, None), 3.0, ((3, 1, 1), None)),
    ],
)
def test_the_scale_of_an_image(planes, size, ratio, expected):
    image = image_of((1, 1, planes, 8, 8), pixel_size_um=size, step_ratio=ratio)
    found = scale_of(image)
    assert (found.steps, found.um) == expected

"""Classes of cells in the formats that have a place for them, as peers read them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import roifile
import tifffile
import zarr
from ome_zarr_models import v04, v05

from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.export_format import MasksToExport
from cellpose_studio.io.masks.export_formats import FORMATS

NAMES = ("alive", "dead", "µ: odd")


@pytest.fixture
def masks(tmp_path):
    """Return masks of three cells: 2 is dead, 5 is odd, 9 has no class."""
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((40, 50), np.uint8))
    labels = np.zeros((40, 50), np.uint32)
    labels[2:8, 2:8], labels[20:30, 20:30], labels[32:38, 40:48] = 2, 5, 9
    # A hole makes it a composite region.
    labels[24:26, 24:26] = 0
    return MasksToExport.of(
        open_images(tmp_path / "a.tif")[0],
        labels,
        classes={2: ("dead", "#d55e00"), 5: ("µ: odd", "#0072b2")},
        class_names=NAMES,
    )


@pytest.mark.parametrize("name", ["coco", "coco-polygons"])
def test_classes_are_categories_of_coco_the_same_for_all_images(tmp_path, masks, name):
    FORMATS[name].write(tmp_path / "a.json", masks)
    content = json.loads((tmp_path / "a.json").read_text("utf-8"))
    by_id = {one["id"]: one["name"] for one in content["categories"]}
    # The class without cells is there, so that numbers are those of other images.
    assert by_id == dict(enumerate(("cell", *NAMES), start=1))
    found = {
        one["attributes"]["cell"]: by_id[one["category_id"]]
        for one in content["annotations"]
    }
    assert found == {2: "dead", 5: "µ: odd", 9: "cell"}


def test_regions_have_the_colour_and_the_group_of_the_class(tmp_path, masks):
    FORMATS["rois"].write(tmp_path / "a.zip", masks)
    regions = {int(one.name): one for one in roifile.roiread(tmp_path / "a.zip")}
    assert [regions[cell].group for cell in (2, 5, 9)] == [2, 3, 0]
    assert [regions[cell].stroke_color for cell in (2, 5, 9)] == [
        b"\xff\xd5\x5e\x00",
        b"\xff\x00\x72\xb2",
        b"\x00\x00\x00\x00",
    ]
    assert regions[5].props == "class: µ: odd\n"
    assert regions[9].props == ""


@pytest.mark.parametrize("name", ["ome-zarr", "ome-zarr-0.4"])
def test_classes_are_properties_of_labels(tmp_path, masks, name):
    form = FORMATS[name]
    path = form.path(tmp_path / "out")
    path.mkdir()
    form.write(path, masks)
    attributes = zarr.open_group(path / "labels" / "cells", mode="r").attrs.asdict()
    label = attributes.get("ome", attributes)["image-label"]
    assert label["properties"] == [
        {"label-value": 0, "class": ""},
        {"label-value": 2, "class": "dead"},
        {"label-value": 5, "class": "µ: odd"},
        {"label-value": 9, "class": ""},
    ]
    models = v04 if name == "ome-zarr-0.4" else v05
    models.ImageLabel.from_zarr(zarr.open_group(path / "labels" / "cells", mode="r"))

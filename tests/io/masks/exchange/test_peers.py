"""Files as the programs that they are for read them."""

from __future__ import annotations

import json
import shutil
import subprocess
from uuid import UUID

import numpy as np
import pytest
import shapely
import tifffile
from hypothesis import assume, given, settings
from ome_zarr_models import v04, v05
from pycocotools.coco import COCO

from tests.io.masks.exchange.conftest import masks_and_axes


def read_by_coco(path, monkeypatch):
    """Return the masks that COCO's own tools make of a file: planes YX."""
    monkeypatch.setattr("builtins.print", lambda *_: None)
    data = COCO(str(path))
    planes = []
    for image in data.loadImgs(sorted(data.getImgIds())):
        plane = np.zeros((image["height"], image["width"]), np.uint32)
        for one in data.loadAnns(data.getAnnIds(imgIds=image["id"])):
            mask = data.annToMask(one).astype(bool)
            assert not plane[mask].any()
            plane[mask] = one["attributes"]["cell"]
            y, x = np.nonzero(mask)
            width, height = np.ptp(x) + 1, np.ptp(y) + 1
            assert (one["area"], one["bbox"]) == (
                mask.sum(),
                [x.min(), y.min(), width, height],
            )
        planes.append(plane)
    return np.stack(planes)


@pytest.mark.parametrize("kind", ["coco", "coco-polygons"])
@settings(max_examples=25)
@given(drawn=masks_and_axes())
def test_cocos_own_tools_read_the_same_masks(exported, kind, drawn):
    labels, axes = drawn
    with pytest.MonkeyPatch.context() as patch:
        planes = read_by_coco(exported(labels, axes, kind), patch)
    np.testing.assert_array_equal(planes.reshape(labels.shape), labels)


@pytest.mark.parametrize("kind", ["coco", "coco-polygons"])
def test_cocos_own_tools_read_holes_and_parts(exported, plane, kind, monkeypatch):
    planes = read_by_coco(exported(plane, "YX", kind), monkeypatch)
    np.testing.assert_array_equal(planes[0], plane)


def test_run_lengths_are_those_of_cocos_own_tools(exported, plane):
    from pycocotools import mask as tools

    content = json.loads(exported(plane, "YX", "coco").read_text())
    for one in content["annotations"]:
        theirs = tools.encode(np.asfortranarray(plane == one["attributes"]["cell"]))
        assert one["segmentation"]["counts"] == theirs["counts"].decode()
        assert one["segmentation"]["size"] == theirs["size"]


@settings(max_examples=40)
@given(drawn=masks_and_axes())
def test_shapes_for_qupath_are_valid_and_cover_their_pixels(exported, drawn):
    labels, axes = drawn
    content = json.loads(exported(labels, axes, "geojson").read_text())
    assert content["type"] == "FeatureCollection"
    cells = np.unique(labels)
    assume(len(cells) > 1)
    for feature in content["features"]:
        geometry = feature["geometry"]
        shape = shapely.geometry.shape(geometry)
        assert shape.is_valid, shapely.is_valid_reason(shape)
        assert geometry["type"] == shape.geom_type
        index = geometry.get("plane", {"t": 0, "z": 0})
        place = tuple(index[axis.lower()] for axis in axes[:-2])
        mask = labels[place] == int(feature["properties"]["name"])
        assert shape.area == mask.sum()
        y, x = np.nonzero(mask)
        inside = shapely.contains_xy(shape, x + 0.5, y + 0.5)
        assert inside.all()


def test_objects_are_those_of_qupaths_documents(exported, plane):
    content = json.loads(exported(plane, "YX", "geojson").read_text())
    again = json.loads(exported(plane, "YX", "geojson").read_text())
    features = {f["properties"]["name"]: f for f in content["features"]}
    assert set(features) == {"3", "4", "5", "6", "8", "9"}
    for feature in features.values():
        assert feature["type"] == "Feature"
        assert feature["properties"]["objectType"] == "detection"
        assert str(UUID(feature["id"])) == feature["id"]
        assert "plane" not in feature["geometry"]
    assert len({f["id"] for f in content["features"]}) == len(features)
    assert [f["id"] for f in again["features"]] == [
        f["id"] for f in content["features"]
    ]
    outer, hole = features["8"]["geometry"]["coordinates"]
    assert outer[0] == outer[-1]
    assert hole[0] == hole[-1]
    assert shapely.LinearRing(outer).is_ccw
    assert not shapely.LinearRing(hole).is_ccw
    assert features["5"]["geometry"]["type"] == "MultiPolygon"
    # Parts that touch at a corner would make one polygon invalid.
    assert features["6"]["geometry"]["type"] == "MultiPolygon"
    stack = np.stack([plane, plane * 0])
    content = json.loads(exported(stack, "ZYX", "geojson").read_text())
    assert {f["geometry"]["plane"]["z"] for f in content["features"]} == {0}
    assert content["features"][0]["geometry"]["plane"] == {"c": -1, "z": 0, "t": 0}


OMES = pytest.mark.parametrize(
    ("kind", "version"), [("ome-zarr", "v05"), ("ome-zarr-0.4", "v04")]
)


@OMES
@pytest.mark.parametrize("axes", ["YX", "TZYX"])
def test_an_ome_zarr_is_valid(exported, plane, kind, version, axes):
    import zarr

    models = {"v04": v04, "v05": v05}[version]

    labels = np.tile(plane, (80, 80))
    if axes == "TZYX":
        labels = np.broadcast_to(plane, (2, 3, *plane.shape))
    size = (2.0, 0.5, 0.25)
    path = exported(labels, axes, kind, channels=2, pixel_size_um=size)
    root = zarr.open_group(path, mode="r")
    image = models.Image.from_zarr(root)
    group = models.Labels.from_zarr(root["labels"])
    inner = models.ImageLabel.from_zarr(root["labels/cells"])
    if version == "v05":
        assert root["labels"].attrs["ome"]["version"] == "0.5"
    about = image.ome_attributes if version == "v05" else image.attributes
    multiscale = about.multiscales[0]
    assert [axis.name for axis in multiscale.axes] == [
        *("c" + axes.lower() if axes == "YX" else "tczyx")
    ]
    assert len(multiscale.datasets) == (3 if axes == "YX" else 1)
    label = inner.ome_attributes if version == "v05" else inner.attributes
    names = group.ome_attributes if version == "v05" else group.attributes
    assert names.labels == ["cells"]
    first, *smaller = label.multiscales[0].datasets
    scale, moved = first.coordinateTransformations
    assert scale.scale[-2:] == [0.5, 0.25]
    assert moved.translation == [0] * len(axes)
    for n, level in enumerate(smaller, start=1):
        scale, moved = level.coordinateTransformations
        assert scale.scale == [0.5 * 2**n, 0.25 * 2**n]
        assert moved.translation == [0.25 * (2**n - 1), 0.125 * (2**n - 1)]
    colours = {one.label_value for one in label.image_label.colors}
    assert colours == {0, *np.unique(plane).tolist()}


MACRO = """
parts = split(getArgument(), ";");
{new};
roiManager("open", parts[0]);
for (i = 0; i < roiManager("count"); i++) {{
  roiManager("select", i);
  setColor(parseInt(substring(Roi.getName, 0, 1)));
  fill();
}}
run("Select None");
saveAs("tiff", parts[1]);
"""

with_imagej = pytest.mark.skipif(
    None in (shutil.which("imagej"), shutil.which("xvfb-run")),
    reason="ImageJ is not installed",
)


@pytest.mark.slow
@with_imagej
@pytest.mark.parametrize(
    ("axes", "lead"), [("YX", ()), ("ZYX", (3,)), ("TYX", (3,)), ("TZYX", (2, 3))]
)
def test_imagej_draws_exactly_the_pixels_of_each_cell(
    exported, plane, tmp_path, axes, lead
):
    labels = np.zeros((*lead, 20, 24), np.uint32)
    for n, place in enumerate(np.ndindex(lead)):
        labels[place][n : n + plane.shape[0], n : n + plane.shape[1]] = plane
    drawn = by_imagej(exported(labels, axes, "rois"), tmp_path, labels.shape, axes)
    np.testing.assert_array_equal(drawn.reshape(labels.shape), labels)


@pytest.mark.slow
@with_imagej
def test_imagej_draws_cells_far_out(exported, tmp_path):
    labels = np.zeros((3, 70_000), np.uint32)
    labels[1:3, 69_000:69_500] = 4
    labels[0, 60_000:60_600] = 5
    labels[0, 33_000:33_100] = 6
    drawn = by_imagej(exported(labels, "YX", "rois"), tmp_path, labels.shape, "YX")
    np.testing.assert_array_equal(drawn, labels)


def by_imagej(path, folder, shape, axes):
    """Return what ImageJ fills in the regions of a file, with the first digit."""
    length = dict(zip(axes, shape, strict=True))
    size = f"{length['X']}, {length['Y']}"
    new = f'newImage("a", "8-bit black", {size}, {length.get("Z", length.get("T", 1))})'
    if axes == "TZYX":
        lengths = f"{size}, 1, {length['Z']}, {length['T']}"
        new = f'newImage("a", "8-bit grayscale-mode", {lengths})'
    macro = folder / "fill.ijm"
    macro.write_text(MACRO.format(new=new))
    ran = subprocess.run(
        ["xvfb-run", "-a", "imagej", "-b", str(macro), f"{path};{folder}/drawn.tif"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (folder / "drawn.tif").exists(), ran.stdout + ran.stderr
    return tifffile.imread(folder / "drawn.tif")

"""Regions that other programs have written, and damaged ones."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import roifile
import tifffile

from cellpose_studio.core.errors import MasksUnreadable, NotEnoughMemory
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.exchange.region_files import has_overlay, read_overlay
from cellpose_studio.io.masks.reader import read_masks

SMALL = ImageExtent(name="a.tif", height=12, width=16)
STACK = ImageExtent(name="a.tif", planes=3, height=12, width=16)


def archive_of(path, *rois):
    with zipfile.ZipFile(path, "w") as archive:
        for n, roi in enumerate(rois):
            archive.writestr(f"{roi.name or n}.roi", roi.tobytes())
    return path


def box(left, top, right, bottom, name="", **more):
    roi = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, name=name)
    roi.left, roi.top, roi.right, roi.bottom = left, top, right, bottom
    for key, value in more.items():
        setattr(roi, key, value)
    return roi


def composite(path):
    roi = box(0, 0, 9, 9)
    roi.multi_coordinates = np.array(path, np.float32)
    roi.shape_roi_size = len(path)
    return roi


def test_a_box_covers_its_pixels(tmp_path):
    path = archive_of(tmp_path / "a.zip", box(2, 3, 6, 5))
    labels = read_masks(path, SMALL).labels
    assert labels[3:5, 2:6].all()
    assert np.count_nonzero(labels) == 8


def test_an_oval_covers_the_pixels_in_its_ellipse(tmp_path):
    oval = box(2, 1, 12, 9, roitype=roifile.ROI_TYPE.OVAL)
    labels = read_masks(archive_of(tmp_path / "a.zip", oval), SMALL).labels
    y, x = np.mgrid[:12, :16]
    inside = ((x + 0.5 - 7) / 5) ** 2 + ((y + 0.5 - 5) / 4) ** 2 < 1
    np.testing.assert_array_equal(labels > 0, inside)


def test_all_paths_of_a_composite_count_and_holes_are_left_free(tmp_path):
    square = [0, 0, 0, 1, 8, 0, 1, 8, 8, 1, 0, 8, 4]
    hole = [0, 2, 2, 1, 2, 5, 1, 5, 5, 1, 5, 2, 4]
    other = [0, 10, 3, 1, 12, 3, 1, 12, 9, 1, 10, 9, 4]
    roi = composite([*square, *hole, *other])
    labels = read_masks(archive_of(tmp_path / "a.zip", roi), SMALL).labels
    expected = np.zeros((12, 16), int)
    expected[:8, :8] = expected[3:9, 10:12] = 1
    expected[2:5, 2:5] = 0
    np.testing.assert_array_equal(labels, expected)


def test_curves_of_a_composite_are_followed(tmp_path):
    # A quarter of a disc around (0, 0), as a cubic curve.
    k = 10 * 0.5523
    roi = composite([0, 0, 0, 1, 10, 0, 3, 10, k, k, 10, 0, 10, 4])
    labels = read_masks(archive_of(tmp_path / "a.zip", roi), SMALL).labels
    y, x = np.mgrid[:12, :16]
    np.testing.assert_array_equal(labels > 0, np.hypot(x + 0.5, y + 0.5) < 10)
    roi = composite([0, 0, 0, 1, 8, 0, 2, 8, 8, 0, 8, 4])
    labels = read_masks(archive_of(tmp_path / "b.zip", roi), SMALL).labels
    assert labels[0, 6] == 1
    assert labels[7, 7] == 0


@pytest.mark.parametrize(
    ("where", "planes"),
    [
        ({"position": 2}, [1]),
        ({"z_position": 3}, [2]),
        ({}, [0, 1, 2]),
    ],
)
def test_regions_stand_in_their_planes(tmp_path, where, planes):
    path = archive_of(tmp_path / "a.zip", box(1, 1, 4, 4, **where))
    labels = read_masks(path, STACK).labels
    assert np.flatnonzero(labels.any(axis=(1, 2))).tolist() == planes


def test_positions_count_channels_first(tmp_path):
    extent = ImageExtent(frames=2, channels=2, planes=3, height=12, width=16)
    # Channel 1, plane 2, time point 2: 1 + 1 × 2 + 1 × 6.
    path = archive_of(tmp_path / "a.zip", box(1, 1, 4, 4, position=9))
    labels = read_masks(path, extent).labels
    assert np.argwhere(labels.any(axis=(2, 3))).tolist() == [[1, 1]]


def test_names_of_imagej_are_no_ids(tmp_path):
    rois = [box(1, 1, 4, 4, "0002-0002"), box(6, 6, 9, 9, "1234-2345")]
    labels = read_masks(archive_of(tmp_path / "a.zip", *rois), SMALL).labels
    assert np.unique(labels).tolist() == [0, 1, 2]


def test_what_is_left_out_is_told(tmp_path):
    line = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.LINE, name="l")
    point = roifile.ImagejRoi.frompoints([[3, 3]])
    point.roitype = roifile.ROI_TYPE.POINT
    rois = [line, point, box(0, 0, 4, 4, "x"), box(2, 2, 6, 6, "y"), box(40, 1, 44, 9)]
    masks = read_masks(archive_of(tmp_path / "a.zip", *rois), SMALL)
    assert masks.notes == (
        "a.zip: 1 line, 1 point left out, because only areas can be cells.",
        "a.zip: 1 region drawn over others; pixels that belong to several regions went "
        "to the last of them.",
        "a.zip: 1 region outside of the image left out.",
    )
    assert np.bincount(masks.labels.ravel()).tolist()[1:] == [12, 16]


def test_regions_of_a_real_archive_are_the_cells_of_its_masks(shared_data):
    path = shared_data / "formats" / "phase_set45_RoiSet.zip"
    true = tifffile.imread(shared_data / "2d_cells_phase" / "phase_set45_masks.tif")
    extent = ImageExtent(height=true.shape[0], width=true.shape[1])
    masks = read_masks(path, extent)
    for cell in np.unique(true[true > 0]):
        inside = masks.labels[true == cell]
        mine = masks.labels == np.bincount(inside[inside > 0]).argmax()
        union = np.count_nonzero(mine | (true == cell))
        # The people who drew them have made these masks in another way.
        assert np.count_nonzero(mine & (true == cell)) / union > 0.9


def test_overlays_of_a_tiff_are_its_masks(tmp_path):
    path = tmp_path / "a.tif"
    rois = [box(2, 3, 6, 5).tobytes(), box(8, 1, 10, 3).tobytes()]
    pixels = np.zeros((12, 16), np.uint16)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"Overlays": rois})
    assert has_overlay(path)
    labels = read_overlay(path, SMALL).labels
    assert np.bincount(labels.ravel()).tolist()[1:] == [8, 4]
    tifffile.imwrite(path, pixels, imagej=True, metadata={"Overlays": rois[:1]})
    assert np.count_nonzero(read_overlay(path, SMALL).labels) == 8
    tifffile.imwrite(path, pixels, imagej=True)
    assert not has_overlay(path)


def geojson(path, *features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def feature(kind, coordinates, properties=None, **geometry):
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates, **geometry},
        "properties": properties or {},
    }


SQUARE = [[1, 1], [5, 1], [5, 5], [1, 5], [1, 1]]


def test_objects_of_qupath_become_cells(tmp_path):
    path = geojson(
        tmp_path / "a.geojson",
        feature("Polygon", [SQUARE, [[2, 2], [3, 2], [3, 3], [2, 3], [2, 2]]]),
        feature("Polygon", [[[6, 1], [14, 1], [14, 11], [6, 11]]], isEllipse=True),
        feature("Point", [3, 3]),
        feature("LineString", [[3, 3], [4, 4]]),
        feature("Polygon", [SQUARE], {"objectType": "tile"}),
    )
    masks = read_masks(path, SMALL)
    y, x = np.mgrid[:12, :16]
    ellipse = ((x + 0.5 - 10) / 4) ** 2 + ((y + 0.5 - 6) / 5) ** 2 < 1
    np.testing.assert_array_equal(masks.labels == 2, ellipse)
    assert np.count_nonzero(masks.labels == 1) == 15
    assert "1 line, 1 point, 1 tile left out" in masks.notes[0]


@pytest.mark.parametrize("wrapped", ["list", "single", "geometry"])
def test_other_forms_of_geojson_are_read(tmp_path, wrapped):
    one = feature("Polygon", [SQUARE])
    content = {"list": [one], "single": one, "geometry": one["geometry"]}[wrapped]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    assert np.count_nonzero(read_masks(path, SMALL).labels) == 16


def coco(path, *annotations, images=("a.tif",), height=12):
    listed = [
        {"id": n, "file_name": f"images/{name}", "width": 16, "height": height}
        for n, name in enumerate(images)
    ]
    content = {"images": listed, "annotations": annotations, "categories": []}
    path.write_text(json.dumps(content))
    return path


def annotation(segmentation, image=0, **more):
    return {"image_id": image, "segmentation": segmentation, **more}


CORNERS = [1, 1, 5, 1, 5, 5, 1, 5]


def test_annotations_of_the_image_of_that_name_count(tmp_path):
    path = coco(
        tmp_path / "a.json",
        annotation([CORNERS], 0),
        annotation([CORNERS, [8, 1, 10, 1, 10, 3, 8, 3]], 1),
        annotation([], 1),
        images=("b.tif", "a.tif"),
    )
    masks = read_masks(path, SMALL)
    assert np.count_nonzero(masks.labels) == 20
    assert "1 bounding box left out" in masks.notes[0]
    with pytest.raises(MasksUnreadable, match=r"describes 2 images\."):
        read_masks(path)
    other = ImageExtent(name="c.tif", height=12, width=16)
    with pytest.raises(MasksUnreadable, match=r"but none that is named c\.tif"):
        read_masks(path, other)


def test_lengths_of_runs_may_be_numbers(tmp_path):
    runs = {"size": [12, 16], "counts": [13, 4, 8, 4, 163]}
    path = coco(tmp_path / "a.json", annotation(runs))
    labels = read_masks(path).labels
    assert labels[1:5, 1:3].all()
    assert np.count_nonzero(labels) == 8


def test_lengths_of_runs_are_refused_whose_sum_wraps_around(tmp_path):
    runs = {"size": [12, 16], "counts": [2**62, 0] * 4}
    path = coco(tmp_path / "a.json", annotation(runs))
    with pytest.raises(MasksUnreadable, match="damaged"):
        read_masks(path)


def test_annotations_of_an_image_of_another_size_are_refused(tmp_path):
    path = coco(tmp_path / "a.json", annotation([CORNERS]), height=13)
    with pytest.raises(
        MasksUnreadable, match=r"16 × 13 pixels, but a\.tif has 16 × 12"
    ):
        read_masks(path, SMALL)


DAMAGED = {
    "a.zip": b"PK\x03\x04 no archive",
    "b.roi": b"Iout" + bytes(40),
    "c.geojson": b'{"type": "FeatureCollection", "features": [{}]}',
    "d.geojson": b'{"type": "FeatureColl',
    "e.json": b'{"images": [], "annotations": 3}',
    "f.json": json.dumps(
        {
            "images": [{"id": 1, "file_name": "a", "height": 12, "width": 16}],
            "annotations": [
                annotation({"size": [12, 16], "counts": "\u00e9"}, 1),
            ],
        }
    ).encode(),
    "g.json": json.dumps(
        {
            "images": [{"id": 1, "file_name": "a", "height": 12, "width": 16}],
            "annotations": [annotation({"size": [12, 16], "counts": [9, 999]}, 1)],
        }
    ).encode(),
    "h.json": b"[1, 2]",
    "i.geojson": b'{"type": "Polygon", "coordinates": [[[1, NaN], [3, 1], [2, 2]]]}',
    "j.geojson": b'{"type": "FeatureCollection", "features": []}',
    "k.json": b"[" * 100_000,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_regions_give_one_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(DAMAGED[name])
    with pytest.raises(MasksUnreadable) as raised:
        read_masks(path, SMALL)
    assert raised.value.message.startswith(name)
    assert raised.value.message.count(".") < 4


def test_masks_beyond_the_memory_are_refused_as_such(tmp_path):
    path = coco(tmp_path / "a.json", annotation([CORNERS]), height=2**45)
    with pytest.raises(NotEnoughMemory, match=r"A part of a\.json takes"):
        read_masks(path)


def test_regions_need_the_size_of_their_image(tmp_path):
    path = archive_of(tmp_path / "a.zip", box(2, 3, 6, 5))
    with pytest.raises(MasksUnreadable, match="does not say how large its image is"):
        read_masks(path)
    far = archive_of(tmp_path / "b.zip", box(200, 3, 206, 5))
    with pytest.raises(MasksUnreadable, match=r"No region of b\.zip contains a pixel"):
        read_masks(far, SMALL)

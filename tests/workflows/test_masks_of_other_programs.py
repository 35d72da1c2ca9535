"""Masks of other programs beside an image: opened, compared and trained on."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.matching.evaluation.evaluate import EvaluationOptions
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.workflows.evaluation.files import masks_pairs, read_pair
from cellpose_studio.workflows.evaluation.items import evaluate_item
from cellpose_studio.workflows.left_out import left_out_of
from cellpose_studio.workflows.open import files_of, open_files
from cellpose_studio.workflows.training.training_images import (
    folder_pairs,
    training_files,
)

REGIONS = ("rois", "geojson", "coco", "coco-polygons")


@pytest.fixture
def image(tmp_path):
    """Return the file of an image with two cells, without masks."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.arange(30 * 40, dtype=np.uint16).reshape(30, 40))
    return path


@pytest.fixture
def labels():
    found = np.zeros((30, 40), np.uint32)
    found[2:12, 3:15], found[15:28, 20:39] = 4, 9
    found[18:20, 25:28] = 0
    return found


def export(image, labels, kind, name="a"):
    (source,) = open_images(image)
    base = image.parent / name
    save_all(base, labels, None, [kind], image=source)
    return FORMATS[kind].path(base)


def opened(*paths):
    files, failures = files_of(paths)
    assert failures == []
    result = open_files(files, Checkpoint())
    assert (result.failures, result.questions) == ([], [])
    return result


@pytest.mark.parametrize("kind", REGIONS)
def test_a_file_of_regions_opens_with_the_image_beside_it(image, labels, kind):
    path = export(image, labels, kind)
    ((source, masks),) = opened(path).images
    assert source.path == image
    ((_, found),) = masks.items()
    np.testing.assert_array_equal(found.labels, labels)


def test_objects_of_cellprofiler_open_with_the_image_beside_them(image, labels):
    # Without being chosen they are not: they are most often masks of the project.
    path = export(image, labels, "cellprofiler")
    ((_, masks),) = opened(image).images
    assert not masks
    ((source, masks),) = opened(path).images
    assert source.path == image
    np.testing.assert_array_equal(masks["cellprofiler_masks"].labels > 0, labels > 0)
    # Alone, it is an image like any other.
    image.unlink()
    ((source, masks),) = opened(path).images
    assert (source.path, masks) == (path, {})


@pytest.mark.parametrize("kind", REGIONS)
def test_regions_named_as_masks_are_found_beside_the_image(image, labels, kind):
    path = export(image, labels, kind)
    path.rename(image.with_name(f"a_masks{path.suffix}"))
    ((_, masks),) = opened(image.parent).images
    assert list(masks) == ["masks"]
    np.testing.assert_array_equal(masks["masks"].labels, labels)


@pytest.mark.parametrize("kind", ["ome-zarr", "ome-zarr-0.4", "ome-tiff"])
def test_exported_ome_files_are_masks_of_the_image(image, labels, kind):
    path = export(image, labels, kind)
    for chosen in (image, path, image.parent):
        ((source, masks),) = opened(chosen).images
        assert source.path == image
        (found,) = masks.values()
        np.testing.assert_array_equal(found.labels > 0, labels > 0)


@pytest.mark.parametrize("version", ["04", "05"])
def test_an_ome_zarr_opens_with_its_own_labels(shared_data, tmp_path, version):
    name = f"mouse_embryo_16cell_v{version}.ome.zarr"
    shutil.copytree(shared_data / "formats" / name, tmp_path / name)
    for chosen in (tmp_path / name, tmp_path):
        ((source, masks),) = opened(chosen).images
        assert source.path.name == name
        for found in masks.values():
            assert found.labels.shape == source.label_shape
            assert found.labels.any()
        assert masks


def test_the_overlay_of_an_image_opens_as_masks(image, labels):
    from roifile import roiread

    rois = [one.tobytes() for one in roiread(export(image, labels, "rois"))]
    path = image.with_name("b.tif")
    pixels = np.zeros(labels.shape, np.uint8)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"Overlays": rois})
    ((_, masks),) = opened(path).images
    assert list(masks) == ["overlay"]
    np.testing.assert_array_equal(masks["overlay"].labels, labels)


def test_regions_without_an_image_say_what_is_missing(image, labels):
    path = export(image, labels, "rois").rename(image.with_name("other.zip"))
    files, (failure,) = files_of([path])
    assert files == []
    assert isinstance(failure, ImageUnreadable)
    assert failure.message.startswith("other.zip holds regions, but there is no image")


def test_the_image_with_the_longest_name_counts(image, labels):
    shutil.copy(image, image.with_name("a_2.tif"))
    path = export(image, labels, "rois", "a_2")
    ((source, _),) = opened(path).images
    assert source.path.name == "a_2.tif"
    shutil.copy(image, image.with_name("a_23.tif"))
    ((source, _),) = opened(path).images
    assert source.path.name == "a_2.tif"


@pytest.mark.parametrize("kind", [*REGIONS, "ome-zarr", "ome-zarr-0.4", "ome-tiff"])
@pytest.mark.parametrize("with_image", [True, False])
def test_masks_of_any_format_can_be_compared(image, labels, kind, with_image):
    path = export(image, labels, kind)
    true = export(image, labels, "tif")
    if not with_image:
        image.unlink()
    for pair in ((path, true), (true, path)):
        assert masks_pairs(*pair).pairs == (pair,)
        scores = evaluate_item("a", read_pair(*pair), EvaluationOptions()).scores
        assert scores.ap.tolist() == [1] * 10


@pytest.mark.parametrize("kind", [*REGIONS, "ome-zarr"])
def test_regions_named_as_masks_are_trained_on(image, labels, kind):
    path = export(image, labels, kind)
    path.rename(image.with_name(f"a_masks{path.suffix}"))
    files = training_files([image.parent], None, [])["train"]
    (one,) = folder_pairs(files, "train", [], Checkpoint())
    np.testing.assert_array_equal(one.read().labels, labels)


def test_exports_are_not_told_as_left_out(image, labels):
    for name, form in FORMATS.items():
        if not form.needs_time:
            export(image, labels, name)
    for ending in ("_RES", "_GT"):
        image.with_name(f"a{ending}").mkdir()
    assert not left_out_of(image.parent, [image])
    image.with_name("b.geojson").touch()
    text = left_out_of(image.parent, [image]).text
    assert ".geojson (regions; open them by themselves)" in text

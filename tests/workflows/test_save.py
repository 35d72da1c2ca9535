from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.save import base_of, save_segmentation
from tests.images import image_of


def result_of(image: ImageSource) -> Segmentation:
    """A run that found cells 1 and 2 in every plane."""
    labels = np.zeros(image.label_shape, np.uint32)
    labels[..., :2, :3], labels[..., 3:, 2:] = 1, 2
    planes = image.frames * image.planes
    random = np.random.default_rng(0)
    flows = Flows(
        dP=random.normal(size=(2, planes, *labels.shape[-2:])).astype(np.float32),
        cellprob=random.normal(size=(planes, *labels.shape[-2:])).astype(np.float32),
        scale=0.5,
        diameter=60.0,
    )
    parameters = SegmentationParameters(
        channels=(1, None),
        diameter=60.0,
        flow_threshold=0.8,
        cellprob_threshold=-1.0,
        normalization=Normalization(percentile=(2.0, 98.0)),
    )
    return Segmentation(
        image=image,
        model=ModelSpec(
            name="cyto3",
            path=Path("models") / "cyto3",
            architecture="unet",
            sha256="",
            input_channels=2,
            diam_mean=30.0,
            diam_labels=30.0,
        ),
        parameters=parameters,
        labels=labels,
        flows=flows,
        maker=None,
        device="CPU",
        precision="float32",
        seconds=1.0,
        confidence=None,
    )


def test_files_lie_beside_the_image_and_are_named_after_it(tmp_path):
    result = result_of(image_of(path=tmp_path / "well.A1.tif"))
    written = save_segmentation(result, ["npy", "tif"])
    assert written == [tmp_path / "well.A1_cp_masks.tif", tmp_path / "well.A1_seg.npy"]
    for path in written:
        np.testing.assert_array_equal(read_masks(path).labels, result.labels)


def test_files_go_into_another_folder(tmp_path):
    result = result_of(image_of(path=Path("gone") / "a.tif"))
    assert save_segmentation(result, ["png"], tmp_path) == [tmp_path / "a_cp_masks.png"]


@pytest.mark.parametrize(
    ("scene", "name"),
    [
        ("", "a"),
        ("Series 3", "a_Series-3"),
        ("../up\\*?", "a_---up---"),
        ("Größe µ", "a_Größe-µ"),
    ],
)
def test_each_scene_has_a_name_that_every_disk_takes(scene, name):
    image = image_of(path=Path("plate") / "a.czi", scene=scene)
    assert base_of(image) == Path("plate") / name
    assert base_of(image, Path("out")) == Path("out") / name


def test_a_session_file_says_how_the_masks_were_made(tmp_path):
    image = image_of(path=tmp_path / "a.tif")
    result = result_of(image)
    save_segmentation(result, ["npy"])
    read = read_masks(tmp_path / "a_seg.npy")
    details = read.details
    assert details["filename"] == str(image.path)
    assert details["model_path"] == str(Path("models") / "cyto3")
    assert details["flow_threshold"] == 0.8
    assert details["cellprob_threshold"] == -1.0
    assert details["diameter"] == 60.0
    assert details["channels"] == [1, None]
    assert details["normalize_params"]["percentile"] == [2.0, 98.0]
    np.testing.assert_array_equal(read.flows.dP, result.flows.dP)
    np.testing.assert_array_equal(read.flows.cellprob, result.flows.cellprob)
    assert (read.flows.scale, read.flows.diameter) == (0.5, 60.0)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((1, 2, 3, 5, 6), "ZYX"), ((3, 1, 1, 5, 6), "TYX"), ((2, 1, 3, 5, 6), "TZYX")],
)
def test_stacks_and_time_series_are_told_apart(tmp_path, shape, axes):
    result = result_of(image_of(shape, path=tmp_path / "a.tif"))
    save_segmentation(result, ["tif"])
    with tifffile.TiffFile(tmp_path / "a_cp_masks.tif") as tiff:
        assert tiff.series[0].axes == axes
        np.testing.assert_array_equal(tiff.asarray(), result.labels)


def test_a_format_without_a_place_for_the_masks_does_not_keep_the_others(tmp_path):
    result = result_of(image_of((2, 1, 3, 5, 6), path=tmp_path / "a.tif"))
    with pytest.raises(
        CannotSave, match=r"a_seg\.npy could not be saved: it holds one"
    ):
        save_segmentation(result, ["tif", "npy"])
    assert [path.name for path in tmp_path.iterdir()] == ["a_cp_masks.tif"]


def test_the_result_itself_is_left_alone(tmp_path):
    result = result_of(image_of(path=tmp_path / "a.tif"))
    result.labels.flags.writeable = False
    result.flows.dP.flags.writeable = False
    save_segmentation(result, ["tif", "png", "npy", "rois", "outlines"])
    assert len(list(tmp_path.iterdir())) == 5

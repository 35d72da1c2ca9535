"""Exported folders: Cellpose reads them, and they come back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import CannotSave, TrainingSetUnfit
from cellpose_studio.core.review.training_marks import LeaveOut, unpack_mask
from cellpose_studio.core.runs.region import Region
from cellpose_studio.engine.cellpose_api import load_all
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.training.folder_export import (
    check_folder,
    export_folder,
    safe_stem,
)
from cellpose_studio.workflows.training.folder_import import images_of_folder
from cellpose_studio.workflows.training.project_set import parts_of_project
from tests.app.drawing import grid, put_masks
from tests.other_cellpose import make_other_cellpose


@pytest.fixture
def marked(session, cells, tmp_path):
    """Return a set of three images: grey, of two channels, and one to validate on."""
    two = tmp_path / "two_masks channels.tif"
    pixels = np.random.default_rng(0).random((2, 64, 72), np.float32)
    tifffile.imwrite(two, pixels, imagej=True, metadata={"axes": "CYX"})
    images = session.add(
        [open_images(path)[0] for path in (cells("a.tif"), two, cells("b_flows.tif"))]
    )
    training = TrainingSet(session)
    for image in images:
        put_masks(session, image, 3 * grid(image.source.label_shape, 16, 12))
    training.set_role(images[:2], "train")
    training.set_role(images[2:], "validation")
    training.add_unannotated(images[0], Region(points=((0, 0), (128, 16))))
    training.add_crop(images[1], Region(points=((0, 0), (50, 64))))
    return images, training


def exported(session, folder):
    project = session.project
    parts = parts_of_project(project.read, project.folder, Checkpoint())
    return parts, export_folder(folder, parts, Checkpoint())


def test_cellpose_loads_an_exported_folder(session, marked, tmp_path):
    folder = tmp_path / "out"
    parts, report = exported(session, folder)
    load_all()
    from cellpose.io import load_train_test_data

    found = load_train_test_data(str(folder / "train"), str(folder / "test"))
    images, labels, names, test_images, test_labels, _ = found
    assert [image.shape for image in images] == [(96, 128), (2, 64, 50)]
    assert [image.dtype for image in images] == [np.uint16, np.float32]
    assert len(test_images) == len(test_labels) == 1
    for part, label, image in zip(parts, labels, images, strict=False):
        read = part.pair.read()
        np.testing.assert_array_equal(label, read.labels)
        known = ~read.ignore if read.ignore is not None else np.ones_like(label, bool)
        inside = read.pixels[:, known]
        np.testing.assert_array_equal(image.reshape(-1, *label.shape)[:, known], inside)
        # Ids are compact.
        assert [*np.unique(label)] == [*range(label.max() + 1)]
    # Where nothing is known, nothing is to be seen.
    assert len(np.unique(images[0][:16][labels[0][:16] == 0])) == 1
    assert names[1].endswith("0002_two_masks_channels_crop_1.tif")
    manifest = json.loads((folder / "training_set.json").read_text())
    first, second, third = manifest["images"]
    assert first["ignored_share"] == pytest.approx(16 / 96, abs=1e-3)
    assert second["revision"] == parts[1].revision
    assert "rectangle x 0 to 50" in second["place"]
    assert third["role"] == "validation"
    assert "--dir train --test_dir test" in manifest["commands"][0]
    assert report.text.startswith("Wrote 3 images to out: 2 for training, 1 for val")


def test_flows_of_an_earlier_training_are_removed(session, marked, tmp_path):
    images, training = marked
    folder = tmp_path / "out"
    _, report = exported(session, folder)
    flows = [
        folder / one.image.replace(".tif", "_flows.tif")
        for one in report.manifest.images
    ]
    for path in flows:
        np.save(path, np.zeros((4, 8, 8)))
        path.with_suffix(".tif.npy").replace(path)
    training.set_role(images[2:], None)
    _, report = exported(session, folder)
    assert len(report.manifest.images) == 2
    assert not any(path.exists() for path in flows)
    assert not list((folder / "test").iterdir())


def test_a_folder_with_other_files_is_refused(session, marked, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    check_folder(folder)
    (folder / "notes.txt").write_text("x")
    with pytest.raises(CannotSave, match="has files of its own"):
        exported(session, folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "training_set.json").write_text("{")
    with pytest.raises(CannotSave, match="cannot be read as the list"):
        check_folder(folder)


def test_a_set_without_training_images_is_refused(session, marked, tmp_path):
    images, training = marked
    training.set_role(images[:2], "validation")
    with pytest.raises(TrainingSetUnfit, match="for training"):
        exported(session, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_exported_folder_comes_back(session, marked, tmp_path):
    _, training = marked
    training.set_options(LeaveOut(border=True))
    folder = tmp_path / "out"
    parts, _ = exported(session, folder)
    found = images_of_folder(folder)
    assert [one.role for one in found] == ["train", "train", "validation"]
    for one, part in zip(found, parts, strict=True):
        ignore = part.pair.read().ignore
        shape = open_images(one.image)[0].label_shape
        np.testing.assert_array_equal(unpack_mask(one.unlabelled, shape), ignore)


def test_names_of_folders_tell_roles(tmp_path):
    for folder in ("Train", "val", "other", "."):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in ("a.tif", "a_masks.tif", "alone.tif", "p.tif", "p_cp_masks.tif"):
            tifffile.imwrite(tmp_path / folder / name, np.zeros((9, 9), np.uint8))
    found = {(one.image.parent.name, one.role) for one in images_of_folder(tmp_path)}
    assert found == {
        ("Train", "train"),
        ("val", "validation"),
        (tmp_path.name, "train"),
    }
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingSetUnfit, match="has no images with masks"):
        images_of_folder(tmp_path / "empty")


def test_a_manifest_leads_to_no_other_folder(session, marked, tmp_path):
    folder = tmp_path / "out"
    exported(session, folder)
    path = folder / "training_set.json"
    text = path.read_text()
    for place in ("../a.tif", "/etc/a.tif", r"C:\\a.tif", r"..\\a.tif"):
        path.write_text(text.replace("train/0001_a.tif", place))
        with pytest.raises(TrainingSetUnfit, match="cannot be read"):
            images_of_folder(folder)


def test_an_export_removes_no_image_of_the_project(session, marked, tmp_path):
    _, training = marked
    folder = tmp_path / "out"
    _, report = exported(session, folder)
    first = folder / report.manifest.images[0].image
    [image] = session.add(open_images(first))
    put_masks(session, image, grid(image.source.label_shape, 16, 12))
    training.set_role([image], "train")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    with pytest.raises(CannotSave, match="is an image of this project"):
        exported(session, folder)
    training.set_role([image], None)
    masks = folder / report.manifest.images[0].masks
    masks.write_bytes(b"mine")
    with pytest.raises(CannotSave, match="was changed after it had been exported"):
        exported(session, folder)
    before[masks] = b"mine"
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_a_stopped_export_leaves_a_folder_for_the_next_one(session, marked, tmp_path):
    folder = tmp_path / "out"
    project = session.project
    parts = parts_of_project(project.read, project.folder, Checkpoint())
    done = []

    class Stopped(Checkpoint):
        def reached(self, *_):
            done.append(1)
            if len(done) == 2:
                raise Cancelled

    with pytest.raises(Cancelled):
        export_folder(folder, parts, Stopped())
    assert not [*folder.rglob("*")]
    exported(session, folder)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a b.ome.tif, plane 3", "a_b_plane_3"),
        ("x_flows", "x_flows_image"),
        ("x_flows_0", "x_flows_0_image"),
        ("é", "image"),
        ("..", "image"),
    ],
)
def test_names_are_taken_by_every_system(name, stem):
    assert safe_stem(name).strip("_") == stem


@pytest.mark.slow
def test_cellpose_3_trains_on_an_exported_folder(session, marked, tmp_path):
    images, training = marked
    cellpose = make_other_cellpose(tmp_path / "cellpose3", "3.1.1.3")

    def train(name):
        _, report = exported(session, tmp_path / name)
        [command] = report.manifest.commands
        options = command.replace("--pretrained_model cyto3", "--pretrained_model None")
        short = [
            "--n_epochs",
            "2",
            "--min_train_masks",
            "2",
            "--model_name_out",
            "mine",
        ]
        cellpose.python("-m", *options.split(), *short, folder=tmp_path / name)
        assert list((tmp_path / name / "train" / "models").glob("mine*"))
        for one in report.manifest.images:
            # What it has trained on: the masks, and their flows.
            flows = tmp_path / name / one.image.replace(".tif", "_flows.tif")
            masks = tifffile.imread(tmp_path / name / one.masks)
            np.testing.assert_array_equal(tifffile.imread(flows)[0], masks)
        return options

    # Cellpose wants images of one kind.
    training.set_role(images[1:2], None)
    assert "--chan 0" in train("grey")
    training.set_role(images[1:2], "train")
    training.set_role([images[0], images[2]], None)
    assert "--chan 1 --chan2 2" in train("two")

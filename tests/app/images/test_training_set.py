"""The training set of a project: what is marked, what is read of it, and undo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.held_copy import save_held
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.review.training_marks import (
    LeaveOut,
    Slices,
    TrainingMarks,
    pack_mask,
)
from cellpose_studio.core.runs.region import Region
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import open_project
from cellpose_studio.workflows.training.project_set import (
    pairs_of_project,
    parts_of_project,
    usable_pairs,
)
from tests.app.drawing import draw, grid, put_masks


@pytest.fixture
def image(session, cells):
    [image] = session.add(open_images(cells("a.tif", (48, 60))))
    put_masks(session, image, grid((48, 60)))
    return image


@pytest.fixture
def training(session):
    return TrainingSet(session)


def parts(session):
    project = session.project
    return parts_of_project(project.read, project.folder, Checkpoint())


def test_a_marked_image_is_read_with_its_masks(session, image, training):
    assert training.set_role([image], "train") == []
    [part] = parts(session)
    assert (part.name, part.role, part.cells) == ("a.tif", "train", 20)
    assert part.revision == image.masks.revision.id
    found = part.pair.read()
    np.testing.assert_array_equal(found.labels, grid((48, 60)))
    pixels = tifffile.imread(image.source.path)
    np.testing.assert_array_equal(found.pixels, pixels[None].astype(np.float32))
    assert found.ignore is None
    assert f"revision {part.revision}" in part.pair.source
    training.set_role([image], "validation")
    [after] = parts(session)
    assert (after.pair.role, after.pair.identity) == ("validation", part.pair.identity)
    training.set_role([image], None)
    assert parts(session) == []
    with pytest.raises(TrainingSetUnfit, match="No image of the project is marked"):
        usable_pairs([])


def test_every_change_can_be_undone_and_is_in_the_file(
    session, image, training, reopened
):
    session.show(image.source.key)
    training.set_role([image], "train")
    crop = training.add_crop(image, Region(points=((4.6, 2.4), (99, 40))))
    assert crop.region.points == ((5.0, 2.0), (60.0, 40.0))
    assert training.add_crop(image, Region(points=((70, 2), (99, 40)))) is None
    training.change_crop(image, "crop 1", crop.model_copy(update={"name": "left"}))
    training.add_unannotated(image, Region(points=((0, 0), (10, 10))))
    training.set_options(LeaveOut(border=True))
    for _ in range(4):
        session.undo()
    assert training.role(image) is None
    assert not training.said(image).marks.crops
    for _ in range(4):
        session.redo()
    said = training.said(image)
    again = TrainingSet(reopened())
    [same] = again._session.images
    assert again.said(same) == said
    assert said.marks.crops[0].name == "left"
    assert said.marks.unannotated
    assert again.options == LeaveOut(border=True)


def test_a_copy_of_a_lost_project_has_the_set(session, image, training, tmp_path):
    training.set_role([image], "validation")
    training.add_unannotated(image, Region(points=((0, 0), (10, 10))))
    training.set_options(LeaveOut(border=True))
    copy = save_held(session, tmp_path / "copy.cpstudio").project
    copy.close()
    [pair] = pairs_of_project(copy.path)
    assert pair.role == "validation"
    assert pair.read().ignore[:9, :9].any()
    again = TrainingSet(Session(Project.open(copy.path)))
    assert again.options == LeaveOut(border=True)
    again._session.project.close()


def test_crops_replace_their_image_and_stay_on_its_side(session, image, training):
    for x in (0, 24):
        training.add_crop(image, Region(points=((x, 0), (x + 24, 48))))
    assert training.role(image) == "train"
    training.set_role([image], "validation")
    assert [(p.name, p.role) for p in parts(session)] == [
        ("a.tif, crop 1", "validation"),
        ("a.tif, crop 2", "validation"),
    ]
    training.set_crop_role(image, "crop 2", "out")
    first, second = parts(session)
    assert (second.pair, second.reason) == (None, "You left it out.")
    assert first.pair.read().labels.shape == (48, 24)
    taken = training.said(image).marks.crops[1].model_copy(update={"name": "crop 1"})
    with pytest.raises(TrainingSetUnfit, match="another crop called crop 1"):
        training.change_crop(image, "crop 2", taken)
    # The user insists.
    training.set_crop_role(image, "crop 2", "train")
    assert [p.pair.role for p in parts(session)] == ["validation", "train"]


def test_cells_and_regions_are_left_out(session, image, training):
    training.set_role([image], "train")
    training.set_options(LeaveOut(border=True, rejected=True))
    session.set_cell_status(image, [7], "rejected")
    session.set_cell_status(image, [8], "accepted")
    training.add_unannotated(image, Region(points=((36, 24), (44, 38))))
    unlabelled = np.zeros((48, 60), bool)
    unlabelled[46:, :3] = True
    marks = training.said(image).marks
    marks = marks.model_copy(update={"unlabelled": pack_mask(unlabelled)})
    training.set_marks(image, marks, "Import")
    [part] = parts(session)
    found = part.pair.read()
    labels = grid((48, 60))
    # The first row and column touch the edge; cell 14 lies in the region.
    out = {*range(1, 6), 6, 11, 16, 7, 14}
    assert part.left_out == len(out)
    assert part.cells == 20 - len(out) == found.labels.max()
    expected = np.isin(labels, list(out)) | unlabelled
    expected[24:38, 36:44] |= labels[24:38, 36:44] == 0
    np.testing.assert_array_equal(found.ignore, expected)
    assert part.ignored == pytest.approx(expected.mean())
    training.set_options(LeaveOut(unreviewed=True, fewest_cells=1))
    [only] = parts(session)
    assert only.cells == 1
    np.testing.assert_array_equal(only.pair.read().labels > 0, labels == 8)


def test_it_says_why_images_are_not_used(session, cells, training, tmp_path):
    few, gone, blank, binary, nan = session.add(
        [
            open_images(cells(f"{name}.tif", (48, 60)))[0]
            for name in ("few", "gone", "blank", "binary")
        ]
        + open_images(nan_image(tmp_path / "nan.tif"))
    )
    labels = grid((48, 60))
    put_masks(session, few, np.where(labels < 4, labels, 0))
    put_masks(session, blank, labels * 0)
    put_masks(session, binary, (labels > 0) * 255)
    put_masks(session, gone, labels)
    put_masks(session, nan, labels)
    gone.source.path.unlink()
    training.set_role([few, gone, binary, nan], "train")
    training.set_role([blank], "validation")
    why = {part.name: part.reason for part in parts(session)}
    assert why["few.tif"] == "It has 3 cells; at least 5 are needed."
    assert why["gone.tif"].startswith("Its file is missing.")
    assert why["blank.tif"] == "It has 0 cells; at least 1 are needed."
    assert "one number only, 255" in why["binary.tif"]
    assert "no numbers (NaN)" in why["nan.tif"]
    with pytest.raises(TrainingSetUnfit, match="None of the marked images"):
        usable_pairs(parts(session))


def nan_image(path):
    pixels = np.full((48, 60), np.nan, np.float32)
    pixels[:10] = 3
    tifffile.imwrite(path, pixels)
    return path


def test_images_without_masks_cannot_be_marked(session, cells, training):
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    assert training.set_role([image], "train") == [image]
    assert training.role(image) is None


def test_slices_of_a_stack_have_square_pixels(session, training, tmp_path):
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 99, (4, 40, 48), np.uint16)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path,
        stack,
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "ZYX", "spacing": 2.5, "unit": "um"},
    )
    [image] = session.add(open_images(path))
    assert image.source.anisotropy == 5
    labels = np.zeros((4, 40, 48), np.uint32)
    labels[1:3] = grid((40, 48))
    put_masks(session, image, labels)
    training.set_role([image], "train")
    assert [p.name for p in parts(session)] == [
        "stack.tif, plane 2",
        "stack.tif, plane 3",
    ]
    slices = Slices(axes=("ZY", "ZX"), every=20, annotated=False)
    marks = training.said(image).marks.model_copy(update={"slices": slices})
    training.set_marks(image, marks, "Slices")
    training.set_options(LeaveOut(fewest_cells=1))
    found = {part.name: part for part in parts(session)}
    assert [*found] == [
        "stack.tif, ZY at x 1",
        "stack.tif, ZY at x 21",
        "stack.tif, ZY at x 41",
        "stack.tif, ZX at y 1",
        "stack.tif, ZX at y 21",
    ]
    assert found["stack.tif, ZY at x 21"].reason.startswith("It has 0 cells")
    zx = found["stack.tif, ZX at y 1"].pair.read()
    assert zx.labels.shape == (20, 48)
    assert zx.pixels.shape == (1, 20, 48)
    np.testing.assert_array_equal(zx.labels[::5] > 0, labels[:, 0] > 0)
    # In the middle of a plane are the pixels of the plane.
    np.testing.assert_array_equal(zx.pixels[0, 2::5], stack[:, 0])
    zy = found["stack.tif, ZY at x 1"].pair.read()
    np.testing.assert_array_equal(zy.pixels[0, 2::5], stack[:, :, 0])


def test_a_training_uses_revisions_whatever_is_edited_meanwhile(
    session, image, training, queue, qtbot
):
    training.set_role([image], "train")
    draw(session, image, 70, at=9, side=2)
    read = []
    training.seal(queue, lambda: training.read_parts(queue, read.append))
    qtbot.waitUntil(lambda: bool(read))
    [[part]] = read
    assert part.revision == image.masks.revision.id
    assert part.cells == 21
    draw(session, image, 71, at=21, side=2)
    assert part.pair.read().labels.max() == 21
    [now] = parts(session)
    assert now.revision is None
    assert (now.cells, now.pair.read().labels.max()) == (22, 22)


def test_masks_with_a_crop_only_become_a_revision_too(
    session, image, training, queue, qtbot
):
    crop = training.add_crop(image, Region(points=((0, 0), (30, 48))))
    training.set_crop_role(image, crop.name, "validation")
    training.set_role([image], None)
    assert training.uses(image) == {"validation"}
    draw(session, image, 70, at=9, side=2)
    read = []
    training.seal(queue, lambda: training.read_parts(queue, read.append))
    qtbot.waitUntil(lambda: bool(read))
    [[part]] = read
    assert (part.role, part.revision) == ("validation", image.masks.revision.id)


def test_slices_are_read_again_when_the_size_of_pixels_was_set(
    session, training, tmp_path, queue, qtbot
):
    path = tmp_path / "stack.tif"
    pixels = np.ones((4, 40, 48), np.uint8)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZYX"})
    [image] = session.add(open_images(path))
    put_masks(session, image, grid((4, 40, 48)))
    training.set_role([image], "train")
    marks = TrainingMarks(slices=Slices(axes=("ZY",), every=20))
    training.set_marks(image, marks, "Slices")
    training.set_options(LeaveOut(fewest_cells=1))
    read = []
    for sizes in ((1.0, 0.5, 0.5), (10.0, 0.5, 0.5)):
        source = replace(image.source, pixel_size_um=sizes)
        session.images.set_sizes((image, source))
        before = len(read)
        training.read_parts(queue, read.append)
        qtbot.waitUntil(lambda n=before: len(read) > n)
    rows = [parts[0].read().labels.shape[0] for parts in read]
    assert rows == [8, 80]


def test_a_project_file_is_only_read(session, image, training, project):
    training.set_role([image], "train")
    project.writer.flush()
    project.close()
    before = project.path.read_bytes()
    [pair] = pairs_of_project(project.path)
    np.testing.assert_array_equal(pair.read().labels, grid((48, 60)))
    assert project.path.read_bytes() == before
    # It opens for writing afterwards.
    open_project(project.path).close()


def test_the_proposal_is_stable_and_of_images_for_training(session, cells, training):
    images = session.add(
        [open_images(cells(f"{n}.tif", (32, 32 + n)))[0] for n in range(10)]
    )
    for image in images:
        put_masks(session, image, grid(image.source.label_shape))
    training.set_role(images[:7], "train")
    proposed = training.proposal()
    assert len(proposed) == 1
    training.set_role(proposed, "validation")
    assert training.proposal() == []
    training.set_role(images[7:], "train")
    [more] = training.proposal()
    assert more not in proposed
    assert training.images("validation") == proposed

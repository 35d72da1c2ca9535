"""What Cellpose Studio offers in plain napari: project files, the sample, a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager
from npe2 import PluginManifest
from pytestqt.qtbot import QtBot

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.display.channel_display import ChannelDisplay, auto_limits
from cellpose_studio.core.errors import CannotSave, ImageUnreadable, MasksUnreadable
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.window_state import DISPLAYS, WINDOW
from cellpose_studio.plugin.layers import image_of
from cellpose_studio.plugin.reader import get_reader, read_projects
from cellpose_studio.plugin.sample import sample_layers
from cellpose_studio.plugin.segment_widget import RECORD, SegmentWidget
from cellpose_studio.plugin.writer import write_project

CELLS = np.zeros((40, 50), np.uint32)
CELLS[5:15, 5:15], CELLS[20:30, 8:30] = 3, 70_000
IMAGE = np.arange(2000, dtype=np.uint16).reshape(40, 50)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "from napari.cpstudio"
    um = {"scale": (0.5, 0.25), "units": ("micrometer", "micrometer")}
    layers: list[Any] = [
        (IMAGE, {"name": "a/b", **um}, "image"),
        (CELLS, {"name": "cells"}, "labels"),
    ]
    assert write_project(str(path), layers) == [str(path)]
    return path


def test_napari_finds_all_that_the_manifest_names() -> None:
    manifest = PluginManifest.from_distribution("cellpose-studio")
    manifest.validate_imports()
    kinds = manifest.contributions
    assert [w.display_name for w in kinds.widgets] == ["Segment"]
    assert kinds.readers[0].filename_patterns == ["*.cpstudio"]
    assert kinds.writers[0].filename_extensions == [".cpstudio"]


def test_layers_become_a_project_that_the_window_opens(saved: Path) -> None:
    project = Project.open(saved)
    session = Session(project)
    (image,) = session.images
    assert image.source.label_shape == (40, 50)
    assert image.source.pixel_size_um == (None, 0.5, 0.25)
    np.testing.assert_array_equal(image.source.plane(0, 0, 0), IMAGE)
    assert image.masks is not None
    np.testing.assert_array_equal(image.masks.array, CELLS)
    project.close()


def test_a_project_becomes_layers_with_its_last_edits(saved: Path) -> None:
    project = Project.open(saved)
    session = Session(project)
    (image,) = session.images
    assert image.masks is not None
    region, edited = (slice(30, 33), slice(40, 44)), CELLS.copy()
    edited[region] = 70_001
    new = edit_between("Draw", [70_001], image.masks.array, region, edited[region])
    session.edit(image, new)
    # No revision has it yet, as after a crash.
    project.close()
    read = get_reader(str(saved))
    assert read is not None
    (data, about, kind), (masks, of_masks, masks_kind) = read(str(saved))
    assert (kind, masks_kind) == ("image", "labels")
    np.testing.assert_array_equal(np.asarray(data), IMAGE)
    np.testing.assert_array_equal(masks, edited)
    assert about["scale"] == of_masks["scale"] == (0.5, 0.25)
    assert about["units"] == ["um", "um"]
    assert get_reader([str(saved), "b.tif"]) is None


def test_masks_are_read_without_their_image(saved: Path) -> None:
    for file in saved.with_name("from napari images").iterdir():
        file.unlink()
    read = get_reader(str(saved))
    assert read is not None
    ((masks, _, kind),) = read(str(saved))
    assert kind == "labels"
    assert "01 a-b.ome.tif does not exist" in notification_manager.records[-1].message
    np.testing.assert_array_equal(masks, CELLS)


def test_channels_have_the_colours_and_the_contrast_of_the_project(
    tmp_path: Path,
) -> None:
    pixels = np.stack([IMAGE, IMAGE // 2, IMAGE[::-1]])
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, metadata={"axes": "CYX"})
    project = Project.create(tmp_path / "a.cpstudio")
    session = Session(project)
    (image,) = session.add(open_images(tmp_path / "a.tif"))
    project.writer.flush()
    first = read_projects(str(project.path))
    displays = [
        ChannelDisplay(colour=(1, 0.5, 0), limits=(10, 900), gamma=0.5),
        ChannelDisplay(colour=(0, 1, 1), limits=(0, 50), visible=False),
        ChannelDisplay(colour=(0, 0, 0)),
    ]
    stored = [one.model_dump(mode="json") for one in displays]
    project.set_state(WINDOW, {DISPLAYS: {str(image.id): stored}})
    project.close()
    viewer = ViewerModel()
    for data, about, _ in (*first, *read_projects(str(project.path))):
        viewer.add_image(data, **about)
    cyan, magenta, _, orange, hidden, black = viewer.layers
    assert [one.colormap.name for one in (cyan, magenta, hidden)] == [
        "cyan",
        "magenta",
        "cyan",
    ]
    assert cyan.contrast_limits == [*auto_limits(IMAGE)]
    assert orange.contrast_limits == [10, 900]
    assert orange.gamma == 0.5
    np.testing.assert_allclose(
        orange.colormap.map([0.0, 1.0])[:, :3], [[0, 0, 0], [1, 0.5, 0]], atol=0.003
    )
    assert [one.visible for one in (cyan, orange, hidden, black)] == [
        True,
        True,
        False,
        False,
    ]


def test_nothing_is_written_for_layers_that_do_not_fit(
    saved: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.cpstudio"
    image: Any = (IMAGE, {"name": "a"}, "image")
    with pytest.raises(MasksUnreadable, match="which no image layer has"):
        write_project(str(other), [image, (CELLS[:9], {"name": "x"}, "labels")])
    huge: Any = (CELLS.astype(np.int64) << 32, {"name": "huge"}, "labels")
    with pytest.raises(MasksUnreadable, match="huge"):
        write_project(str(other), [image, huge])
    with pytest.raises(CannotSave, match="exists already"):
        write_project(str(saved), [image])
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("other")]


def test_a_failure_takes_back_what_it_has_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image: Any = (IMAGE, {"name": "a"}, "image")

    def fail(*_: object) -> None:
        raise CannotSave("The disk is full.", "")

    monkeypatch.setattr(Session, "import_masks", fail)
    with pytest.raises(CannotSave, match="full"):
        write_project(str(tmp_path / "a.cpstudio"), [image, (CELLS, {}, "labels")])
    assert [*tmp_path.iterdir()] == []


def test_axes_and_channels_of_layers() -> None:
    stack = np.zeros((3, 4, 5, 6), np.uint8)
    stack[2, 1] = 7
    names = {"axis_labels": ("t", "z", "y", "x")}
    image = image_of([(stack, names), (stack + 1, names)], "two channels")
    assert image.shape == (3, 2, 4, 5, 6)
    np.testing.assert_array_equal(image.plane(2, 1, 1), np.full((5, 6), 8))
    colours = image_of([(np.dstack([IMAGE % 251] * 3), {"rgb": True})], "rgb")
    assert (colours.rgb, colours.shape) == (True, (1, 3, 1, 40, 50))
    np.testing.assert_array_equal(colours.plane(0, 2, 0), IMAGE % 251)
    frames = image_of([(stack[0], {"axis_labels": ("T", "Y", "X")})], "film")
    assert frames.shape == (4, 1, 1, 5, 6)
    with pytest.raises(ImageUnreadable, match="5 axes"):
        image_of([(np.zeros((1, 1, 1, 2, 2)), {})], "five")
    with pytest.raises(ImageUnreadable, match="different shapes"):
        image_of([(stack, {}), (stack[:2], {})], "unequal")


def test_the_widget_segments_the_chosen_layer(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    (pixels, about, _), _ = sample_layers()
    viewer.add_image(pixels, **about)
    viewer.layers.selection.clear()
    widget = SegmentWidget(viewer)
    qtbot.addWidget(widget)
    assert "Choose an image layer" in widget.status.text()
    assert widget.run() is None
    viewer.layers.selection.active = viewer.layers["nuclei"]
    assert widget.status.text() == ""
    job = widget.run()
    assert job is not None
    with qtbot.waitSignal(job.ended):
        pass
    masks = viewer.layers["nuclei cells"]
    assert 60 < len(np.unique(masks.data)) - 1 < 90
    np.testing.assert_allclose(masks.scale, about["scale"])
    record = masks.metadata[RECORD]
    assert record["image"]["name"] == "nuclei"
    assert record["cells"] == len(np.unique(masks.data)) - 1
    assert f"{record['cells']} cells" in widget.status.text()
    assert viewer.layers.selection.active.name == "nuclei"

"""Existing work of Cellpose comes into a project whole, and stays live."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QFileDialog

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.revisions import read_revisions
from cellpose_studio.workflows.save import save_segmentation
from cellpose_studio.workflows.segment import segment

CHANGES = [["2026-01-01", "added mask", [[5, 5]]], ["2026-01-02", "removed mask", [7]]]


@pytest.fixture
def folder(cells, tmp_path):
    """Return a folder as a user of Cellpose has it: GUI files, and plain masks."""
    for name in ("work/a.tif", "work/b.tif", "work/c.tif"):
        cells(name)
    image = open_images(tmp_path / "work" / "a.tif")[0]
    parameters = SegmentationParameters(diameter=20.0)
    result = segment(image, shipped()[0], parameters, Checkpoint())
    save_segmentation(result, ["npy"])
    path = tmp_path / "work" / "a_seg.npy"
    content = np.load(path, allow_pickle=True).item()
    content["manual_changes"] = CHANGES
    content["flow_threshold"] = 0.7
    np.save(path, np.array(content, dtype=object))
    labels = result.labels.astype(np.uint16)
    tifffile.imwrite(tmp_path / "work" / "b_cp_masks.tif", labels)
    tifffile.imwrite(tmp_path / "work" / "b_masks.tif", labels // 2)
    return tmp_path / "work"


@pytest.mark.slow
def test_a_folder_of_cellposes_comes_in_whole(user, folder, monkeypatch):
    window = user.window
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    window.menus.actions["openFolder"].trigger()
    user.wait_idle()
    a, b, c = window.session.images
    assert {e.source.name: sorted(e.label_sets) for e in (a, b, c)} == {
        "a.tif": ["seg"],
        "b.tif": ["cp_masks", "masks"],
        "c.tif": [],
    }
    assert a.masks.parameters.flow_threshold == 0.7
    project = window.session.project
    [revision] = project.read(lambda db: read_revisions(db, a.label_set_ids["seg"]))
    assert revision.kind == "import"
    assert revision.details["manual_changes"] == CHANGES
    assert revision.details["flow_threshold"] == 0.7
    assert revision.origin == "from a_seg.npy"


@pytest.mark.slow
def test_flows_of_a_file_feed_the_sliders_also_later(user, folder, tmp_path):
    window = user.window
    user.open(folder)
    path = tmp_path / "imported.cpstudio"
    window.projects.save_as(path)
    user.wait_idle()
    window.projects.new()
    user.wait_idle()
    (folder / "a_seg.npy").unlink()
    user.open(path)
    window.session.show(window.session.images[0].source.key)
    image = window.session.shown
    user.wait_for(lambda: image.masks.maker is not None)
    before = image.masks.array.copy()
    slider = window.segment.result.sliders["cellprob_threshold"]
    assert slider.isEnabled()
    slider.set_value(3.0)
    user.wait_for(lambda: image.masks.parameters.cellprob_threshold == 3.0)
    user.wait_for(lambda: image.preview_of is None)
    assert 0 < np.count_nonzero(image.masks.array) < np.count_nonzero(before)
    window.session.undo()
    np.testing.assert_array_equal(image.masks.array, before)


@pytest.mark.slow
def test_importing_again_adds_nothing_twice(user, folder):
    user.open(folder)
    first = [sorted(e.label_set_ids.items()) for e in user.window.session.images]
    user.open(folder)
    again = [sorted(e.label_set_ids.items()) for e in user.window.session.images]
    assert again == first


@pytest.mark.slow
def test_real_work_of_cellpose_comes_in(user, shared_data):
    masks = sorted(shared_data.rglob("*_masks.*"))
    if not masks:
        pytest.skip("no masks beside the images")
    user.open(masks[0].parent)
    session = user.window.session
    with_masks = [image for image in session.images if image.label_sets]
    assert with_masks
    for image in with_masks[:5]:
        assert image.masks.cells == len(np.unique(image.masks.array)) - 1


@pytest.mark.slow
def test_cells_are_counted_off_the_gui_thread(user, folder, monkeypatch):
    threads = []
    count = CellTable.of

    def counted(*args):
        threads.append(threading.current_thread())
        return count(*args)

    monkeypatch.setattr(CellTable, "of", counted)
    [image, *_] = user.open(folder)
    user.window.tools.edits.delete([1])
    assert image.masks.edited
    assert len(threads) >= 3
    assert threading.main_thread() not in threads

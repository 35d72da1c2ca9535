"""Runs on the view, on a drawn region, and on one cell, in the real window."""

from __future__ import annotations

import gc
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from cellpose_studio.app.session.label_sets import rename_masks
from cellpose_studio.cli.main import run
from cellpose_studio.io.masks import mapped
from cellpose_studio.io.masks.mapped import masks_folder


def ids(masks):
    return set(np.unique(masks[masks > 0]).tolist())


def put_run(user, path):
    """Open an image and run on it, at the diameter of its cells."""
    [image] = user.open(path)
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    user.run()
    return image


def trigger(user, name):
    user.window.menus.actions[name].trigger()
    user.wait_idle()


@pytest.mark.slow
def test_a_drawn_rectangle_is_run_on_and_the_rest_stays(user, mouse, cells, qtbot):
    image = put_run(user, cells("a.tif"))
    before = image.masks.array.copy()
    inside, outside = int(before[16, 16]), int(before[80, 112])
    session = user.window.session
    for cell in (inside, outside):
        user.window.selection.select(cell)
        trigger(user, "deleteCell")
    qtbot.keyClick(user.window, Qt.Key.Key_U)
    assert user.window.tools.mode == "region"
    mouse.drag([(1, 1), (20, 20), (44, 44)])
    user.wait_idle()
    now = image.masks.array
    # The cell that was deleted there is found again, that one outside is not.
    np.testing.assert_array_equal(now[:32, :32] > 0, before[:32, :32] > 0)
    assert not now[64:, 96:].any()
    np.testing.assert_array_equal(now[:, 48:96], before[:, 48:96])
    region = image.masks.parameters.region
    assert region.points == ((1.0, 1.0), (45.0, 45.0))
    assert "1 cell found, 0 replaced, 0 kept" in user.message
    assert "in a region: 1 cell found" in user.window.segment.result.count.text()
    assert image.masks.record.parameters.region == region
    session.undo()
    user.wait_idle()
    assert not image.masks.array[:32, :32].any()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is mapped")
def test_files_of_masks_go_with_what_is_undone(user, mouse, cells, monkeypatch):
    def open_files():
        maps = Path("/proc/self/maps").read_text()
        return maps.count(str(masks_folder()))

    monkeypatch.setattr(mapped, "MOST_IN_MEMORY", 1000)
    image = put_run(user, cells("a.tif"))
    session, window, first = user.window.session, user.window, image.masks.origin
    # Masks that are on the disk are kept no longer than they are shown.
    session.masks.cache.capacity = 0
    seen = []
    for _ in range(2):
        window.tools.take("region")
        mouse.drag([(1, 1), (20, 20), (44, 44)])
        user.wait_idle()
        seen.append(open_files())
        session.project.writer.flush()
        session.undo()
        user.wait_idle()
        assert image.masks.origin == first
    assert min(seen) >= 1
    gc.collect()
    user.wait_for(lambda: open_files() <= 1)


@pytest.mark.slow
def test_a_polygon_is_drawn_by_clicks(user, mouse, cells):
    image = put_run(user, cells("a.tif"))
    user.window.tools.take("region")
    for corner in ((0, 0), (0, 60), (60, 60)):
        mouse.click(corner)
    mouse.double_click((40, 20))
    user.wait_idle()
    region = image.masks.parameters.region
    assert not region.is_rectangle
    assert region.points[0] == pytest.approx((0, 0), abs=1)


@pytest.mark.slow
def test_the_view_is_run_on_and_edited_cells_are_kept(user, cells):
    image = put_run(user, cells("a.tif"))
    window = user.window
    first = int(image.masks.array[16, 16])
    window.selection.select(first)
    trigger(user, "grow")
    grown = image.masks.array == first
    box = window.segment.parameters.scope
    box.setCurrentIndex(box.findData("view"))
    assert window.segment.parameters.run.toolTip().count("the view of a.tif")
    window.canvas.camera.center_on((16, 16), 20)
    user.run()
    np.testing.assert_array_equal(image.masks.array == first, grown)
    region = image.masks.parameters.region
    rows, columns = window.canvas.camera.part_in_view()
    assert region.points == (
        (columns.start, rows.start),
        (columns.stop, rows.stop),
    )
    assert "1 kept" in user.message


@pytest.mark.slow
def test_thresholds_act_in_the_region(user, mouse, cells):
    image = put_run(user, cells("a.tif"))
    window = user.window
    window.tools.take("region")
    mouse.drag([(1, 1), (20, 20), (44, 44)])
    user.wait_idle()
    before = image.masks.array.copy()
    window.segment.result.sliders["cellprob_threshold"].set_value(4.0)
    user.wait_for(
        lambda: (
            image.masks.parameters.cellprob_threshold == 4.0 and not image.preview_of
        )
    )
    user.wait_idle()
    now = image.masks.array
    assert np.count_nonzero(now[:32, :32]) < np.count_nonzero(before[:32, :32])
    np.testing.assert_array_equal(now[32:], before[32:])
    assert image.masks.origin.count("in a region") == 1


@pytest.mark.slow
def test_a_cell_is_found_again_on_a_real_image(user, shared_data, tmp_path, capsys):
    name = "tissue_dsb_0402a8.tif"
    path = tmp_path / name
    shutil.copy(shared_data / "2d_nuclei_fluo_tissue" / name, path)
    [image] = user.open(path)
    window = user.window
    user.run()
    before = image.masks.array.copy()
    table = image.masks.pixels.cell_table()
    middle = np.array(before.shape) / 2
    cells = [int(cell) for cell in table.ids()]
    places = np.array([[part.start for part in table.box(cell)] for cell in cells])
    cell = cells[int(np.argmin(np.abs(places - middle).sum(axis=1)))]
    gone = before == cell
    window.selection.select(cell)
    trigger(user, "deleteCell")
    trigger(user, "findCell")
    now = image.masks.array
    np.testing.assert_array_equal(
        now[~gone & (before > 0)], before[~gone & (before > 0)]
    )
    [found] = ids(now) - ids(before)
    both = np.count_nonzero(gone & (now == found))
    assert both > 0.7 * np.count_nonzero(gone | (now == found))
    revision, cells_now = image.masks.revision.id, image.masks.cells
    window.session.undo()
    user.wait_idle()
    np.testing.assert_array_equal(image.masks.array, np.where(gone, 0, before))
    saved = tmp_path / "p.cpstudio"
    window.projects.save_as(saved)
    user.wait_idle()
    window.close()
    assert run(["replay", str(saved), str(revision)]) == 0
    assert f"Identical: all {cells_now} cells are the same" in capsys.readouterr().out
    assert run(["replay", str(saved), str(revision), "--as", "methods"]) == 0
    text = capsys.readouterr().out
    assert "The run was limited to a region and took the cell at that point" in text
    assert text.count("Cells in tissue_dsb_0402a8.tif were segmented") == 2
    assert text.count("References") == 1


@pytest.mark.slow
def test_a_cell_that_is_edited_is_replaced_where_it_is_asked_for(user, cells):
    image = put_run(user, cells("a.tif"))
    before = image.masks.array.copy()
    cell = int(before[48, 48])
    user.window.selection.select(cell)
    for _ in range(3):
        trigger(user, "grow")
    trigger(user, "findCell")
    np.testing.assert_array_equal(image.masks.array == cell, before == cell)
    np.testing.assert_array_equal(image.masks.array, before)


def test_without_a_cell_there_is_none_to_find(user, cells):
    user.open(cells("a.tif"))
    action = user.window.menus.actions["findCell"]
    assert not action.isEnabled()
    assert "No masks yet" in action.toolTip()


@pytest.mark.slow
def test_a_region_goes_into_the_masks_shown_whatever_their_name(user, cells):
    image = put_run(user, cells("a.tif"))
    window = user.window
    rename_masks(window.session, image, "cells", "mine")
    count = image.masks.cells
    window.selection.select(int(image.masks.array[16, 16]))
    trigger(user, "deleteCell")
    trigger(user, "findCell")
    assert [*image.label_sets] == ["mine"]
    assert image.masks.cells == count
    box = window.segment.parameters.scope
    box.setCurrentIndex(box.findData("view"))
    user.run()
    assert [*image.label_sets] == ["mine"]
    # New masks that the user asks for have the cells of the region only.
    window.segment.parameters.masks.choose("nuclei")
    user.run()
    assert [*image.label_sets] == ["mine", "nuclei"]
    # A cell is found again in its own masks.
    window.selection.select(int(image.masks.array[16, 16]))
    trigger(user, "findCell")
    assert image.masks.name == "nuclei"
    assert image.label_sets["mine"].cells == count

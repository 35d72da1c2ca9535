"""Divisions and tracks, set and cut by hand in the window."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.classes import add_class, put_into_class
from cellpose_studio.core.masks.edit import edit_between
from tests.io.masks.exchange.ctc_rules import faults_in_ctc

SHAPE = (4, 64, 96)
MOTHER, LEFT_ONE, RIGHT_ONE = (30, 20), (30, 20), (30, 60)
"""Y and X of the mother, and of both daughters."""


def masks():
    """Cell 5 goes on as one of its daughters from time point 3 on; 8 is the other."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[:, 24:36, 14:26] = 5
    labels[2:, 24:36, 54:66] = 8
    labels[:, 48:54, 70:76] = 9
    return labels


@pytest.fixture
def film(user, tmp_path):
    """A film with its masks, which is shown; it is saved as a project."""
    path = tmp_path / "film.tif"
    tifffile.imwrite(
        path,
        (masks() > 0).astype(np.uint8) * 100,
        imagej=True,
        metadata={"axes": "TYX"},
    )
    tifffile.imwrite(
        path.with_name("film_masks.tif"), masks(), imagej=True, metadata={"axes": "TYX"}
    )
    [image] = user.open(path)
    user.wait_for(lambda: image.masks.pixels.loaded)
    return image


def click_division(user, mouse):
    window = user.window
    window.canvas.set_planes({"T": 1})
    user.qtbot.keyClick(window.canvas.surface, Qt.Key.Key_Y)
    assert window.tools.mode == "divide"
    mouse.click(MOTHER)
    assert window.canvas.planes["T"] == 2
    assert "Cell 5 is the mother" in user.message
    mouse.click(RIGHT_ONE)
    user.wait_idle()


@pytest.mark.slow
def test_a_division_is_clicked_undone_redone_saved_and_exported(
    user, mouse, film, tmp_path
):
    window = user.window
    session = window.session
    click_division(user, mouse)
    # The mother's own track went on: what follows is the other daughter.
    assert film.mothers["masks"] == {8: 5, 10: 5}
    assert "Cell 5 divides before time point 3, into 8 and 10." in user.message
    assert np.unique(film.masks.array[:2]).tolist() == [0, 5, 9]
    assert np.unique(film.masks.array[2:]).tolist() == [0, 8, 9, 10]
    session.undo()
    user.wait_idle()
    assert film.mothers["masks"] == {}
    np.testing.assert_array_equal(film.masks.array, masks())
    session.redo()
    user.wait_idle()
    assert film.mothers["masks"] == {8: 5, 10: 5}
    window.selection.select(5)
    user.wait_for(lambda: window.canvas.lines().get("division", False))
    assert window.canvas.lines()["track"]
    window.saver.save([film], ["ctc", "trackmate"], tmp_path / "out")
    user.wait_idle()
    folder = tmp_path / "out" / "film_RES"
    assert faults_in_ctc(folder) == []
    assert (folder / "res_track.txt").read_text().splitlines() == [
        "5 0 1 0",
        "8 2 3 5",
        "9 0 3 0",
        "10 2 3 5",
    ]
    xml = (tmp_path / "out" / "film_trackmate.xml").read_text()
    assert xml.count("<Edge ") == 1 + 1 + 1 + 3 + 2
    session.seal_all()
    session.project.save_as(tmp_path / "kept.cpstudio")
    session.project.writer.flush()
    again = Project.open(tmp_path / "kept.cpstudio")
    try:
        assert list(again.stored_mothers.values()) == [{8: 5, 10: 5}]
    finally:
        again.close()


@pytest.mark.slow
def test_tracks_of_the_challenge_beside_a_film_are_opened_with_divisions(
    user, mouse, film, tmp_path
):
    click_division(user, mouse)
    user.window.saver.save([film], ["ctc"], tmp_path / "out")
    user.wait_idle()
    copy = tmp_path / "out" / "film.tif"
    copy.write_bytes((tmp_path / "film.tif").read_bytes())
    user.open(tmp_path / "out" / "film_RES")
    user.wait_for(lambda: len(list(user.window.session.images)) == 2)
    found = user.window.session.shown
    assert found.source.path == copy
    user.wait_for(lambda: found.masks.pixels.loaded)
    np.testing.assert_array_equal(found.masks.array, film.masks.array)
    assert found.mothers[found.active] == {8: 5, 10: 5}


@pytest.mark.slow
def test_tracks_are_cut_and_joined_and_divisions_set_and_cut(user, film):
    window = user.window
    commands = window.track_commands
    answers = iter(["8", "12", "99", None])
    commands.ask = lambda *_: next(answers)
    window.selection.select(5)
    commands.set_division()
    assert "Cell 8 begins at time point 3, before its mother, cell 5" in user.message
    window.canvas.set_planes({"T": 2})
    large = add_class(window.session, "large")
    put_into_class(window.session, film, [5], large.id)
    commands.cut_track()
    # It is the same cell: what is known of it goes with both parts.
    known = film.classes["masks"]
    assert {cell: one.number for cell, one in known.items()} == {
        5: large.id,
        10: large.id,
    }
    assert "Cell 5 is cell 10 from time point 3 on." in user.message
    assert film.mothers.get("masks", {}) == {}
    window.selection.select(5)
    commands.set_division()
    assert user.message == "There is no cell 12."
    window.selection.select(5, [5, 10])
    commands.join_tracks()
    user.wait_idle()
    np.testing.assert_array_equal(film.masks.array, masks())
    window.selection.select(5)
    commands.join_tracks()
    assert user.message == "There is no cell 99."
    commands.cut_division()
    assert "neither a mother nor daughters" in user.message
    window.selection.select(0)
    commands.cut_track()
    assert user.message == "Choose a cell first."
    window.selection.select(8, [8, 9])
    commands.join_tracks()
    assert "Cells 9 and 8 are both there at time point 3" in user.message


@pytest.mark.slow
def test_an_image_without_time_has_no_divisions(user, cells):
    user.open(cells("a.tif"))
    [*commands] = filter(None, user.window.track_commands.commands())
    assert {one.reason_disabled() for one in commands} == {
        "Divisions need a time series with masks: this is none."
    }


@pytest.mark.slow
def test_linking_proposes_divisions_that_one_click_sets(user, film):
    window = user.window
    labels = masks().astype(np.uint32)
    labels[2:, 24:36, 14:20], labels[2:, 24:36, 20:26] = 20, 21
    labels[2:, 24:36, 19:21] = 0
    everything = tuple(slice(0, size) for size in SHAPE)
    edit = edit_between("Draw", [20, 21], film.masks.array, everything, labels)
    window.session.edit(film, edit)
    window.plane_commands.links.ask = lambda *_: 0.5
    window.plane_commands.links.ask_and_link()
    user.wait_idle()
    assert "1 possible division: cells that end where several begin." in user.message
    bar = window.services.messages
    assert bar.action.text() == "Set 1 possible division"
    bar.action.click()
    assert film.mothers["masks"] == {20: 5, 21: 5}
    assert window.session.undo_text == "Set 1 possible division"

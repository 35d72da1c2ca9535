"""The list of images: what it shows, the filter, and what is done from it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QFileDialog

from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.ui.images.model import BADGE, CELLS, KEY, STATUS, TRAINING

_ROLES = Qt.ItemDataRole


@pytest.fixture
def listed(user):
    return user.window.images


@pytest.fixture
def four(user, cells):
    """Return the entries of four images: two with masks, one of them edited."""
    paths = [
        cells(name, (64, 96 + n))
        for n, name in enumerate(
            ("day 1 well X.tif", "day 1 well Z.tif", "day 2 well X.tif", "other.tif")
        )
    ]
    for n in (1, 2):
        masks = np.zeros((64, 96 + n), np.uint16)
        masks[5:9, 5:9], masks[20:30, 20:30] = 1, 2
        tifffile.imwrite(paths[n].with_name(f"{paths[n].stem}_masks.tif"), masks)
    images = user.open(*paths)
    labels = images[2].masks.array
    region = (slice(5, 9), slice(5, 9))
    edit = edit_between("Delete", [1], labels, region, np.zeros((4, 4), np.uint32))
    user.window.session.edit(images[2], edit)
    return images


def rows(listed, role=_ROLES.DisplayRole):
    """Return what the list shows, from the top down."""
    model = listed.view.model()
    return [model.index(row, 0).data(role) for row in range(model.rowCount())]


@pytest.mark.slow
def test_images_of_one_name_are_told_apart(user, listed, cells, tmp_path):
    for folder in ("A/1", "B/1", "B/2"):
        (tmp_path / folder).mkdir(parents=True)
    user.open(cells("A/1/x.tif"))
    assert rows(listed) == ["x.tif"]
    user.open(cells("B/1/x.tif"), cells("B/2/x.tif"), cells("B/y.tif"))
    # Of 1, there are two; 2 is enough for the third.
    expected = ["A/1/x.tif", "B/1/x.tif", "2/x.tif", "y.tif"]
    assert rows(listed) == expected
    assert rows(listed, _ROLES.AccessibleTextRole)[0] == "A/1/x.tif, untouched"
    listed.filter.setText("b/1")
    user.wait_for(lambda: rows(listed) == ["B/1/x.tif"])
    listed.filter.setText("")
    window = user.window
    window.image_actions.remove(list(window.session.images)[1:3])
    assert rows(listed) == ["x.tif", "y.tif"]


def click(listed, qtbot, row, modifier=Qt.KeyboardModifier.NoModifier):
    view = listed.view
    place = view.visualRect(view.model().index(row, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def select(listed, qtbot, *numbers):
    click(listed, qtbot, numbers[0])
    for row in numbers[1:]:
        click(listed, qtbot, row, Qt.KeyboardModifier.ControlModifier)


def choose(listed, text):
    """Choose from the menu of the selected images."""
    menu = listed.window().image_actions.menu(listed.selected_images())
    named = {action.text().replace("&", ""): action for action in menu.actions()}
    action = named[text]
    assert action.isEnabled()
    action.trigger()
    menu.deleteLater()


def colours(listed, row):
    """Return how many colours a row is painted with, left (thumbnail) and right."""
    view = listed.view
    image = view.viewport().grab(view.visualRect(view.model().index(row, 0))).toImage()
    half = image.width() // 3

    def within(columns):
        return len({image.pixel(x, y) for x in columns for y in range(image.height())})

    return within(range(half)), within(range(image.width() - 24, image.width()))


def reopen(user, tmp_path):
    """Save the project, leave it, and open it again."""
    user.window.projects.save_as(tmp_path / "saved.cpstudio")
    user.wait_idle()
    user.window.projects.new()
    user.wait_idle()
    assert tuple(user.window.session.images) == ()
    user.window.open([tmp_path / "saved.cpstudio"])
    user.wait_idle()
    return list(user.window.session.images)


@pytest.mark.slow
def test_each_image_has_a_picture_a_status_and_its_cells(user, four, listed):
    assert rows(listed) == [e.source.name for e in four]
    assert rows(listed, STATUS) == ["untouched", "segmented", "edited", "untouched"]
    assert rows(listed, CELLS) == [None, 2, 1, None]
    user.wait_for(lambda: all(rows(listed, _ROLES.DecorationRole)))
    sizes = [p.size() for p in rows(listed, _ROLES.DecorationRole)]
    assert all(s.width() > 40 and s.height() > 20 for s in sizes)
    for row in range(4):
        left, right = colours(listed, row)
        assert left > 20
        assert right > 1
    tooltip = rows(listed, _ROLES.ToolTipRole)[2]
    assert "Edited" in tooltip
    assert "1 cell" in tooltip
    assert rows(listed, _ROLES.AccessibleTextRole)[1].endswith("segmented, 2 cells")
    assert listed.count.text() == "4 images"


@pytest.mark.slow
def test_pictures_are_made_only_of_rows_that_are_seen(user, cells, listed):
    images = user.open(*(cells(f"{n:02}.tif", (16, 16 + n)) for n in range(40)))
    view = listed.view
    user.wait_for(lambda: bool(rows(listed, _ROLES.DecorationRole)[0]))
    assert rows(listed, _ROLES.DecorationRole)[39] is None
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    user.wait_for(lambda: bool(rows(listed, _ROLES.DecorationRole)[39]))
    assert rows(listed, _ROLES.DecorationRole)[20] is None
    assert len(images) == 40


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "status", "left"),
    [
        ("WELL x", None, [0, 2]),
        ("1 day", None, [0, 1]),
        ("", "edited", [2]),
        ("", "untouched", [0, 3]),
        ("day", "segmented", [1]),
        ("nothing like it", None, []),
    ],
)
def test_the_filter_goes_by_words_and_status(four, listed, qtbot, text, status, left):
    qtbot.keyClicks(listed.filter, text)
    listed.status.setCurrentIndex(listed.status.findData(status))
    assert rows(listed) == [four[n].source.name for n in left]
    assert listed.count.text() == f"{len(left)} of 4 images"
    listed.filter.clear()
    listed.status.setCurrentIndex(0)
    assert len(rows(listed)) == 4
    assert listed.count.text() == "4 images"


@pytest.mark.slow
def test_the_filter_never_changes_what_is_shown(user, four, listed):
    session = user.window.session
    session.show(four[1].source.key)
    for text in ("other", "well X", "nothing", ""):
        listed.filter.setText(text)
        assert session.shown is four[1]
        current = listed.view.currentIndex()
        assert current.data(KEY) == (four[1].source.key if not text else None)
        assert len(listed.selected_images()) == (not text)


@pytest.mark.slow
def test_a_and_d_go_through_the_images_that_are_listed(user, four, listed, qtbot):
    session = user.window.session
    session.show(four[0].source.key)
    listed.filter.setText("well X")
    user.window.canvas.widget.setFocus()
    qtbot.keyClick(user.window, Qt.Key.Key_D)
    assert session.shown is four[2]
    qtbot.keyClick(user.window, Qt.Key.Key_D)
    assert session.shown is four[2]
    qtbot.keyClick(user.window, Qt.Key.Key_A)
    assert session.shown is four[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shown", "text", "key", "then"),
    [
        (1, "well X", "D", 2),
        (1, "well X", "A", 0),
        (3, "day", "D", 2),
        (0, "other", "A", 3),
        (0, "none of them", "D", 0),
    ],
)
def test_from_an_image_that_is_left_out_they_go_to_its_neighbours(
    user, four, listed, qtbot, shown, text, key, then
):
    user.window.session.show(four[shown].source.key)
    listed.filter.setText(text)
    user.window.canvas.widget.setFocus()
    qtbot.keyClicks(user.window, key)
    assert user.window.session.shown is four[then]


@pytest.mark.slow
def test_r_marks_the_image_that_is_shown(user, four, listed, qtbot):
    session = user.window.session
    session.show(four[1].source.key)
    user.window.canvas.widget.setFocus()
    qtbot.keyClick(user.window, Qt.Key.Key_R)
    assert [e.reviewed for e in four] == [False, True, False, False]
    assert rows(listed, STATUS)[1] == "reviewed"
    assert user.window.menus.actions["reviewed"].isChecked()
    qtbot.keyClick(user.window, Qt.Key.Key_D)
    assert not user.window.menus.actions["reviewed"].isChecked()
    assert [e.reviewed for e in four] == [False, True, False, False]
    qtbot.keyClick(user.window, Qt.Key.Key_A)
    qtbot.keyClick(user.window, Qt.Key.Key_R)
    assert not any(e.reviewed for e in four)
    listed.filter.setFocus()
    qtbot.keyClicks(listed.filter, "r")
    assert not any(e.reviewed for e in four)


@pytest.mark.slow
def test_r_in_the_list_marks_all_that_are_selected(user, four, listed, qtbot):
    select(listed, qtbot, 0, 2)
    listed.view.setFocus()
    qtbot.keyClick(listed.view, Qt.Key.Key_R)
    assert [e.reviewed for e in four] == [True, False, True, False]


@pytest.mark.slow
def test_what_is_reviewed_is_so_after_opening_again(
    user, four, listed, qtbot, tmp_path
):
    select(listed, qtbot, 1, 3)
    choose(listed, "Mark as reviewed")
    assert [e.reviewed for e in four] == [False, True, False, True]
    reopen(user, tmp_path)
    assert rows(listed, STATUS) == ["untouched", "reviewed", "edited", "reviewed"]
    assert rows(listed, CELLS) == [None, 2, 1, None]
    select(listed, qtbot, 1, 3)
    choose(listed, "Mark as not reviewed")
    assert rows(listed, STATUS) == ["untouched", "segmented", "edited", "untouched"]


@pytest.mark.slow
def test_what_is_for_training_is_so_after_opening_again(
    user, four, listed, qtbot, tmp_path
):
    select(listed, qtbot, 1)
    choose(listed, "Use for training")
    select(listed, qtbot, 2)
    choose(listed, "Use for validation")
    assert rows(listed, TRAINING) == [None, "train", "validation", None]
    reopen(user, tmp_path)
    assert rows(listed, TRAINING) == [None, "train", "validation", None]
    assert "for training" in rows(listed, _ROLES.ToolTipRole)[1]
    select(listed, qtbot, 1, 2)
    choose(listed, "Leave out of training")
    assert rows(listed, TRAINING) == [None] * 4
    reopen_again = tmp_path / "again"
    reopen_again.mkdir()
    reopen(user, reopen_again)
    assert rows(listed, TRAINING) == [None] * 4


@pytest.mark.slow
def test_images_without_masks_are_not_for_training(user, four, listed, qtbot):
    select(listed, qtbot, 0, 1, 3)
    choose(listed, "Use for training")
    assert rows(listed, TRAINING) == [None, "train", None, None]
    assert user.message == "2 images without masks cannot be used."


@pytest.mark.slow
def test_several_images_are_taken_off_the_list(user, four, listed, qtbot):
    select(listed, qtbot, 0, 1)
    assert listed.selected_images() == four[:2]
    choose(listed, "Remove from project")
    assert rows(listed) == [e.source.name for e in four[2:]]
    assert user.window.session.shown is four[2]


@pytest.mark.slow
def test_the_folder_of_an_image_is_shown(user, four, listed, qtbot, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url))
    select(listed, qtbot, 1)
    choose(listed, "Show in file manager")
    assert [url.toLocalFile() for url in opened] == [str(four[1].source.path.parent)]


@pytest.mark.slow
def test_a_right_click_keeps_what_is_selected(user, four, listed, qtbot, monkeypatch):
    asked = []
    actions = user.window.image_actions
    monkeypatch.setattr(actions, "menu", lambda images: asked.append(images) or Menu())

    class Menu:
        def exec(self, _: QPoint) -> None: ...
        def deleteLater(self) -> None: ...

    select(listed, qtbot, 0, 2)
    place = listed.view.visualRect(listed.view.model().index(0, 0)).center()
    view = listed.view.viewport()
    qtbot.mouseClick(view, Qt.MouseButton.RightButton, pos=place)
    listed.view.customContextMenuRequested.emit(place)
    assert asked == [[four[0], four[2]]]


@pytest.mark.slow
def test_a_badge_says_what_waits(four, listed):
    listed.model.set_badge(four[1].source.key, "waiting")
    assert rows(listed, BADGE) == ["", "waiting", "", ""]
    assert "waiting" in rows(listed, _ROLES.ToolTipRole)[1]
    listed.model.set_badge(four[1].source.key, "")
    listed.model.set_badge("not in the list", "waiting")
    assert rows(listed, BADGE) == [""] * 4


@pytest.mark.slow
def test_missing_images_are_marked_and_found_again(
    user, four, listed, qtbot, tmp_path, monkeypatch
):
    session = user.window.session
    select(listed, qtbot, 1)
    choose(listed, "Use for training")
    new = tmp_path / "moved" / "here"
    new.mkdir(parents=True)
    for n in (0, 1, 2):
        shutil.move(four[n].source.path, new / four[n].source.path.name)
    (new / four[0].source.path.name).rename(new / "renamed.tif")
    (new / four[2].source.path.name).write_bytes(b"another one")
    user.window.background.missing.look()
    user.wait_for(lambda: rows(listed, STATUS)[:3] == ["missing"] * 3)
    assert rows(listed, STATUS)[3] == "untouched"
    listed.status.setCurrentIndex(listed.status.findData("missing"))
    assert listed.count.text() == "3 of 4 images"
    listed.status.setCurrentIndex(0)
    monkeypatch.setattr(
        QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "moved")
    )
    user.window.menus.actions["relink"].trigger()
    user.wait_idle()
    assert user.message == (
        "2 of 3 images were found; day 2 well X.tif is still missing."
    )
    user.wait_for(lambda: rows(listed, STATUS).count("missing") == 1)
    assert rows(listed) == [
        "renamed.tif",
        "day 1 well Z.tif",
        "day 2 well X.tif",
        "other.tif",
    ]
    assert rows(listed, CELLS) == [None, 2, 1, None]
    assert rows(listed, TRAINING) == [None, "train", None, None]
    session.show(four[1].source.key)
    assert user.window.canvas.model.layers[0].name == "day 1 well Z.tif"
    assert four[1].source.path == new / "day 1 well Z.tif"
    reopen(user, tmp_path)
    user.wait_for(
        lambda: (
            rows(listed, STATUS) == ["untouched", "segmented", "missing", "untouched"]
        )
    )


@pytest.mark.slow
def test_relinking_when_nothing_is_missing_says_so(user, four, tmp_path):
    user.window.relinker.search(tmp_path)
    user.wait_idle()
    assert user.message == "No image is missing."


@pytest.mark.slow
def test_an_image_that_was_replaced_by_another_is_found_where_it_went(
    user, four, tmp_path
):
    path = four[0].source.path
    (tmp_path / "moved").mkdir()
    shutil.move(path, tmp_path / "moved" / "a.tif")
    shutil.copy(four[3].source.path, path)
    user.window.relinker.search(tmp_path / "moved", [four[0]])
    user.wait_idle()
    assert user.message == "1 image was found."
    assert four[0].source.path == tmp_path / "moved" / "a.tif"


@pytest.mark.slow
def test_a_file_that_comes_back_is_seen_when_the_window_is_used_again(
    user, four, listed
):
    path = four[0].source.path
    away = shutil.move(path, path.with_suffix(".away"))
    user.window.background.missing.look()
    user.wait_for(lambda: rows(listed, STATUS)[0] == "missing")
    shutil.move(away, path)
    QApplication.instance().applicationStateChanged.emit(
        Qt.ApplicationState.ApplicationActive
    )
    user.wait_for(lambda: rows(listed, STATUS)[0] == "untouched")

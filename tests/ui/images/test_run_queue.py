"""The queue in the window: what to run on, how far it is, what failed."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.runs.queue import BatchItem, BatchQueue
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.ui.images.model import BADGE
from cellpose_studio.ui.segment.run_queue_panel import Pace

SMALL = (64, 64)


@pytest.fixture
def scope(user):
    return user.window.scope


@pytest.fixture
def panel(user):
    return user.window.batch_panel


@pytest.fixture
def make_images(user, cells, tmp_path):
    """Return a function that opens a number of images: 0.tif, 1.tif …"""

    def make(count):
        paths = [cells(f"{n}.tif", SMALL) for n in range(count)]
        images = user.open(*paths)
        user.window.segment.parameters.main.set_values({"diameter": 20.0})
        return images

    return make


def choose(scope, what):
    scope.box.setCurrentIndex(scope.box.findData(what))


def select(user, *rows):
    images = user.window.images
    images.view.selectionModel().clearSelection()
    for row in rows:
        images.view.selectionModel().select(
            images.filtered.index(row, 0), QItemSelectionModel.SelectionFlag.Select
        )


def run_text(user):
    return user.window.segment.parameters.run.text()


def badges(user):
    model = user.window.images.model
    return [model.index(row, 0).data(BADGE) for row in range(model.rowCount())]


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.slow
def test_all_images_run_as_a_queue(user, scope, panel, make_images):
    images = make_images(3)
    assert not panel.isVisible()
    choose(scope, "listed")
    assert run_text(user) == "Run on 3 images"
    user.click_run()
    assert panel.isVisible()
    assert panel.text.text() == "Queue: 0 of 3 done"
    assert badges(user) == ["running", "waiting", "waiting"]
    user.wait_idle()
    assert [e.masks.cells for e in images] == [4, 4, 4]
    assert not panel.isVisible()
    assert user.message == "Queue finished: 3 images."
    assert badges(user) == ["", "", ""]


def test_the_button_says_how_many_it_runs_on(user, scope, make_images, qtbot):
    images = make_images(4)
    assert run_text(user) == "Run on 0.tif"
    choose(scope, "selected")
    assert run_text(user) == "Run on 1 image"
    select(user, 1, 3)
    user.wait_for(lambda: run_text(user) == "Run on 2 images")
    assert scope.images() == [images[1], images[3]]
    choose(scope, "listed")
    user.window.images.filter.setText("2.tif")
    user.wait_for(lambda: run_text(user) == "Run on 1 image")
    assert scope.images() == [images[2]]
    user.window.images.filter.setText("nothing")
    user.wait_for(lambda: run_text(user) == "Run on 0 images")
    run = user.window.segment.parameters.run
    assert not run.isEnabled()
    assert (
        "No image matches this scope. Choose another one next to Run." in run.toolTip()
    )
    choose(scope, "untouched")
    assert run_text(user) == "Run on 4 images"
    user.window.session.set_reviewed(images[0], True)
    user.wait_for(lambda: run_text(user) == "Run on 3 images")


@pytest.mark.slow
def test_ctrl_r_runs_on_what_is_chosen(user, scope, make_images, qtbot):
    images = make_images(3)
    choose(scope, "selected")
    select(user, 0, 2)
    qtbot.keyClick(user.window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    user.wait_idle()
    assert [e.masks is not None for e in images] == [True, False, True]
    choose(scope, "untouched")
    qtbot.keyClick(user.window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    user.wait_idle()
    assert images[1].masks.cells == 4


@pytest.mark.slow
def test_what_failed_is_listed_shown_and_tried_again(
    user, scope, panel, make_images, tmp_path, qtbot
):
    images = make_images(3)
    away = images[1].source.path.rename(tmp_path / "away")
    choose(scope, "listed")
    user.click_run()
    user.wait_idle()
    assert panel.text.text() == "Queue: 2 of 3 done, 1 failed"
    assert user.message == ""
    assert badges(user)[1].startswith("failed: can no longer be read")
    assert not panel.failures.isVisible()
    click(qtbot, panel.details)
    [row] = [panel.failures.item(n) for n in range(panel.failures.count())]
    assert row.text().startswith("1.tif can no longer be read")
    away.rename(images[1].source.path)
    place = panel.failures.visualItemRect(row).center()
    viewport = panel.failures.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    assert user.window.session.shown is images[1]
    click(qtbot, panel.retry)
    user.wait_idle()
    assert images[1].masks.cells == 4
    assert not panel.isVisible()


@pytest.mark.slow
def test_a_long_sentence_does_not_widen_the_window(user, scope, panel, make_images):
    make_images(2)[0].source.path.unlink()
    choose(scope, "listed")
    user.click_run()
    width = user.window.width()
    words = "Queue: 1 of 10,000 done, 1 failed, 9,998 cancelled, about 14 h 33 min left"
    panel.text.setText(words)
    user.wait_idle()
    panel.text.setText(words)
    QApplication.processEvents()
    assert panel.text.text() == words
    assert user.window.width() == width <= 1366


@pytest.mark.slow
def test_a_failure_can_be_left_as_it_is(user, scope, panel, make_images, qtbot):
    images = make_images(2)
    images[0].source.path.unlink()
    choose(scope, "listed")
    user.click_run()
    user.wait_idle()
    assert panel.stop.text() == "Close"
    click(qtbot, panel.stop)
    assert not panel.isVisible()
    assert badges(user) == ["", ""]


@pytest.mark.slow
def test_pause_resume_and_cancel(user, scope, panel, make_images, qtbot):
    images = make_images(4)
    choose(scope, "listed")
    user.click_run()
    click(qtbot, panel.toggle)
    user.wait_idle()
    assert panel.text.text() == "Queue paused: 1 of 4 done"
    actions = user.window.menus.actions
    actions["pauseQueue"].trigger()
    actions["pauseQueue"].trigger()
    user.wait_idle()
    assert panel.text.text() == "Queue paused: 2 of 4 done"
    assert panel.toggle.text() == "Resume"
    click(qtbot, panel.stop)
    user.wait_idle()
    assert user.message == "Queue cancelled: 2 images of 4 done."
    assert not panel.isVisible()
    assert not actions["cancelQueue"].isEnabled()
    assert [e.masks is not None for e in images] == [True, True, False, False]
    assert badges(user) == [""] * 4


@pytest.mark.slow
def test_the_user_goes_on_working_meanwhile(user, scope, panel, make_images):
    images = make_images(4)
    choose(scope, "selected")
    select(user, 1, 2, 3)
    user.click_run()
    choose(scope, "image")
    user.window.session.show(images[0].source.key)
    order = []
    user.window.session.masks_changed.connect(lambda change: order.append(change.image))
    user.click_run()
    user.wait_idle()
    assert order.index(images[0]) == 1
    assert user.window.session.shown is images[0]


@pytest.mark.slow
def test_stacks_and_planes_run_together(user, scope, cells):
    flat, stack = user.open(
        cells("a.tif", SMALL), cells("stack.tif", (2, *SMALL), "ZYX")
    )
    segment = user.window.segment
    user.window.session.show(stack.source.key)
    parameters = SegmentationParameters(
        diameter=20.0, channels=(1, None), stitch_threshold=0.3
    )
    assert segment.show_parameters(shipped()[0].name, parameters) == ""
    user.window.session.show(flat.source.key)
    choose(scope, "listed")
    user.click_run()
    user.wait_idle()
    assert stack.masks.parameters.stitch_threshold == 0.3
    assert flat.masks.parameters.stitch_threshold == 0.0


@pytest.mark.slow
def test_channels_that_were_not_chosen_fit_each_image(user, scope, cells):
    grey, two = user.open(cells("a.tif", SMALL), cells("two.tif", (2, *SMALL), "CYX"))
    segment = user.window.segment
    choose(scope, "listed")
    user.window.session.show(two.source.key)
    assert segment.run_request_for(grey.source)[1].channels == ()
    segment.model.set_channels((2, 1))
    assert segment.run_request_for(grey.source)[1].channels == (2, 1)


@pytest.mark.slow
def test_a_project_with_work_left_offers_to_go_on(
    user, scope, panel, make_images, qtbot
):
    make_images(4)
    choose(scope, "listed")
    window = user.window

    def stop(_: object) -> None:
        if window.background.run_queue.counts["done"] == 1:
            window.background.run_queue.pause()

    window.background.run_queue.items_changed.connect(stop)
    user.click_run()
    user.wait_idle()
    window.background.run_queue.items_changed.disconnect(stop)
    path = window.session.project.path
    window.projects.new()
    user.wait_idle()
    assert not panel.isVisible()
    window.open([path])
    user.wait_idle()
    assert panel.text.text() == "The queue has 3 images remaining."
    assert badges(user) == ["", "waiting", "waiting", "waiting"]
    assert isinstance(window.background.run_queue, BatchQueue)
    click(qtbot, panel.toggle)
    user.wait_idle()
    assert [e.masks.cells for e in window.session.images] == [4] * 4
    assert user.message == "Queue finished: 4 images."


def item(number, state):
    return BatchItem(
        id=number,
        image=number,
        state=state,
        model="nuclei-small",
        parameters=SegmentationParameters(),
    )


def test_the_time_left_is_told_in_words():
    now = [0.0]
    pace = Pace(lambda _: 1000, lambda: now[0])
    waiting = [item(number, "waiting") for number in range(1000)]
    for number in (1, 2):
        assert pace.remaining(waiting[:5]) == ""
        for state in ("running", "done"):
            pace.record([item(number, state)])
            now[0] += 5.0
    assert pace.remaining(waiting[:5]) == "less than a minute left"
    assert pace.remaining(waiting[:60]) == "about 5 min left"
    assert pace.remaining(waiting) == "about 1 h 23 min left"


def test_the_time_left_counts_pixels_and_what_is_done_of_a_large_image():
    now = [0.0]
    large = 100
    pace = Pace(lambda one: 100_000 if one.id == large else 1000, lambda: now[0])
    for number in (1, 2):
        for state in ("running", "done"):
            pace.record([item(number, state)])
            now[0] += 3.0
    # A hundred times the pixels, which images alone would not tell.
    assert pace.remaining([item(large, "waiting")]) == "about 5 min left"
    pace.record([item(large, "running")])
    now[0] += 600.0
    pace.reach(0.5)
    # It is slower than the small ones: its own pace counts most.
    assert pace.remaining([]) == "about 11 min left"
    # The first image of a queue tells the time, too, once a part of it is done.
    alone = Pace(lambda _: 100_000, lambda: now[0])
    alone.record([item(1, "running")])
    now[0] += 5.0
    alone.reach(0.04)
    assert alone.remaining([item(2, "waiting")]) == ""
    now[0] += 55.0
    alone.reach(0.5)
    assert alone.remaining([item(2, "waiting")]) == "about 3 min left"


def test_the_time_left_leaves_out_what_is_compiled():
    now = [0.0]
    pace = Pace(lambda _: 1000, lambda: now[0])
    pace.hold(True)
    pace.record([item(1, "running")])
    now[0] += 600.0
    pace.hold(False)
    now[0] += 5.0
    pace.record([item(1, "done")])
    pace.record([item(2, "running")])
    now[0] += 5.0
    pace.record([item(2, "done")])
    waiting = [item(number, "waiting") for number in range(60)]
    assert pace.remaining(waiting) == "about 5 min left"

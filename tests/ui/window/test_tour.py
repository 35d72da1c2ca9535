"""The tour: it names each part, is left at any time, and leaves no trace."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence

from cellpose_studio.ui.window.welcome.stops import STOPS


def test_the_tour_goes_through_the_window_and_back(user, qtbot):
    window = user.window
    window.tabs.setCurrentWidget(window.measure)
    qtbot.mouseClick(window.welcome.tour, Qt.MouseButton.LeftButton)
    bubble = window.tour.bubble
    seen = []
    for n, stop in enumerate(STOPS):
        assert bubble.isVisible()
        assert window.rect().contains(bubble.geometry())
        assert bubble.count.text() == f"{n + 1} of {len(STOPS)}"
        assert "{" not in bubble.text.text()
        if stop.tab is not None:
            assert window.tabs.currentWidget() is stop.tab(window)
        seen.append(bubble.title.text())
        qtbot.mouseClick(bubble.next, Qt.MouseButton.LeftButton)
    assert seen == [f"<b>{stop.title}</b>" for stop in STOPS]
    assert {stop.tab(window) for stop in STOPS if stop.tab is not None} == {
        window.tabs.widget(n) for n in range(window.tabs.count())
    }
    assert window.tour.bubble is None
    assert window.tabs.currentWidget() is window.measure


def test_the_tour_goes_back_and_ends_with_escape(user, qtbot):
    window = user.window
    window.menus.actions["tour"].trigger()
    bubble = window.tour.bubble
    assert not bubble.back.isEnabled()
    qtbot.keyClick(bubble.next, Qt.Key.Key_Space)
    qtbot.mouseClick(bubble.back, Qt.MouseButton.LeftButton)
    assert bubble.count.text().startswith("1 of")
    # Keys of the window do nothing meanwhile: this one opens a dialog.
    qtbot.keyClick(bubble.next, Qt.Key.Key_M)
    assert not window.segment.model.browser.isVisible()
    qtbot.keyClick(bubble.next, Qt.Key.Key_Escape)
    assert window.tour.bubble is None


def test_the_tour_tells_the_keys_that_the_user_gave(user):
    window = user.window
    window.menus.keys.set("masks", QKeySequence("F7"))
    window.tour.start()
    while "contrast" not in window.tour.bubble.text.text().lower():
        window.tour.bubble.next.click()
    assert "F7 shows and hides" in window.tour.bubble.text.text()
    window.tour.bubble.leave.click()

"""The window opens a project of an earlier version where it was left."""

from __future__ import annotations

import pytest


@pytest.mark.slow
def test_it_looks_as_it_was_left(user, earlier_project):
    window = user.window
    user.open(earlier_project)
    user.wait_for(lambda: window.session.shown is not None)
    user.wait_idle()
    assert window.windowTitle() == "a.tif - before - Cellpose Studio"
    assert window.tabs.tabText(window.tabs.currentIndex()) == "Curate"
    assert window.session.shown.masks.cells == 11
    assert not user.message
    window.presets.fill()
    assert "Round nuclei" in [a.text() for a in window.presets.menu.actions()]
    assert window.background.run_queue.paused
    undo = window.menus.actions["undo"]
    assert undo.text() == "&Undo Restore revision 4"
    undo.trigger()
    user.wait_for(lambda: window.session.shown.masks.cells == 12)
    window.menus.actions["redo"].trigger()
    user.wait_for(lambda: window.session.shown.masks.cells == 11)

"""Closing while the disk takes its time: shown, cancelled, or asked about."""

from __future__ import annotations

import threading
from contextlib import closing

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QMessageBox, QProgressDialog, QPushButton

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project

LONG = 120  # s; a machine with much else to do must not fail a test


@pytest.fixture
def named(user, cells, tmp_path):
    """Return the path of a project with an image and its masks, open in the window."""
    [image] = user.open(cells("a.tif"))
    labels = np.zeros(image.source.label_shape, "u4")
    labels[10:20, 10:20], labels[40:50, 40:50] = 1, 2
    masks = LabelSet(name="cells", pixels=LabelImage(labels), origin="run", cells=2)
    user.window.session.replace_masks(image, masks, "Run")
    path = tmp_path / "named.cpstudio"
    user.window.projects.save_as(path)
    user.wait_idle()
    return path


@pytest.fixture
def gate(user, named):
    """Return what the disk waits for before it writes anything more."""
    gate = threading.Event()
    user.window.session.project.writer.flush()
    user.window.session.project.submit(lambda _: gate.wait(LONG))
    yield gate
    gate.set()


def in_saving_dialog(window, act):
    """Call ``act`` with the dialog about saving as soon as it is shown."""

    def look():
        # One that was shown before may still be there.
        found = window.findChildren(QProgressDialog, "savingWait")
        shown = [dialog for dialog in found if dialog.isVisible()]
        if shown:
            act(shown[0])
        else:
            QTimer.singleShot(20, look)

    QTimer.singleShot(0, look)


def test_closing_shows_what_is_saved_and_can_be_cancelled(user, named, gate):
    window, said = user.window, []
    window.tools.edits.delete([1])

    def cancel(dialog):
        said.append(dialog.labelText())
        [button] = dialog.findChildren(QPushButton)
        assert button.text() == "&Go on working"
        button.click()

    in_saving_dialog(window, cancel)
    window.close()
    assert window.isVisible()
    [text] = said
    assert "changes of named: part 0 of 1 of the masks" in text
    # The work goes on, and nothing of it is lost.
    window.tools.edits.delete([2])
    in_saving_dialog(window, lambda _: gate.set())
    window.close()
    assert not window.isVisible()
    with closing(Project.open(named)) as again:
        [label_set] = again.stored_label_sets
        assert label_set.cells == 0


def test_a_disk_that_does_nothing_is_asked_about(user, gate, monkeypatch):
    window, asked = user.window, []

    def answer(*args):
        asked.append(args[2])
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "warning", answer)
    window.projects.patience = 0.2
    window.close()
    assert window.isVisible()
    assert "could not be saved" in asked[0]

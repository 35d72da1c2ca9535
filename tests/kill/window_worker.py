"""Drives the real window until it is killed, and writes down outside what it did.

    python window_worker.py FOLDER SEED

FOLDER holds a.tif and b.tif; the project is work.cpstudio and the log is log, both in
it. See worker.py for the log.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parent))
from worker import state_of


class User:
    """Clicks at random, one thing after another."""

    def __init__(self, folder: Path, seed: int) -> None:
        from cellpose_studio.app.project import Project
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.main_window import MainWindow

        self.random = np.random.default_rng(seed)
        self.log = (folder / "log").open("a")
        project = Project.create(folder / "work.cpstudio")
        self.window = MainWindow(Settings(folder / "settings.ini"), project)
        self.session = self.window.session
        self.session.labels_changed.connect(lambda *_: self.note("labels"))
        self.session.labels_edited.connect(lambda *_: self.note("edit"))
        self.window.show()
        self.window.open([folder / "a.tif", folder / "b.tif"])
        self.timer = QTimer(interval=60)
        self.timer.timeout.connect(self.act)
        self.timer.start()

    def note(self, what: str) -> None:
        # What a slider previews is not in the project yet, and need not be.
        if any(entry.preview_of for entry in self.session.entries):
            return
        line = {"at": time.monotonic(), "what": what, "state": state_of(self.session)}
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()
        os.fsync(self.log.fileno())

    def act(self) -> None:
        """Do something, and write down what the masks are then."""
        if not self.session.entries:
            return
        entry = self.session.shown
        if entry is None or entry.labels is None or entry.labels.cells < 3:
            if not self.window.queue.jobs:
                self.window.segment.parameters.run.click()
        elif self.random.random() < 0.1:
            self.window.menus.actions["next"].trigger()
        elif self.random.random() < 0.2:
            self.window.menus.actions["undo"].trigger()
        elif self.random.random() < 0.1:
            slider = self.window.segment.result.sliders["cellprob_threshold"]
            slider.setValue(float(self.random.uniform(-2, 2)))
        elif entry.preview_of is None:
            cells = np.unique(entry.labels.labels)
            self.window.picture.delete_cell(int(self.random.choice(cells[1:])))
        self.note("act")


if __name__ == "__main__":
    from cellpose_studio.ui.canvas import isolate_napari

    folder, seed = sys.argv[1:]
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication([])
    isolate_napari(None)
    user = User(Path(folder), int(seed))
    app.exec()

"""Drives the real window until it is killed, and writes down outside what it did.

    python window_worker.py FOLDER SEED

FOLDER holds a.tif and b.tif; the project is work.cpstudio and the log is log, both in
it. See worker.py for the log.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parent))
from worker import Log, masks_of


class User:
    """Clicks at random, one thing after another."""

    def __init__(self, folder: Path, seed: int) -> None:
        from cellpose_studio.app.project.project import Project
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.random = np.random.default_rng(seed)
        project = Project.create(folder / "work.cpstudio")
        self.window = MainWindow(Settings.load(folder / "settings.json"), project)
        self.session = self.window.session
        self.log = Log(self.session, folder / "log")
        self.log.note("start", masks_of(self.session))
        self.window.show()
        self.window.open([folder / "a.tif", folder / "b.tif"])
        self.timer = QTimer(interval=60)
        self.timer.timeout.connect(self.act)
        self.timer.start()

    def act(self) -> None:
        """Do something."""
        if not self.session.images:
            return
        image = self.session.shown
        if image is None or image.masks is None or image.masks.cells < 3:
            if not self.window.services.gpu_jobs.jobs:
                self.window.segment.parameters.run.click()
        elif self.random.random() < 0.1:
            self.window.menus.actions["next"].trigger()
        elif self.random.random() < 0.2:
            self.window.menus.actions["undo"].trigger()
        elif self.random.random() < 0.1:
            slider = self.window.segment.result.sliders["cellprob_threshold"]
            slider.set_value(float(self.random.uniform(-2, 2)))
        elif image.preview_of is None:
            cells = np.unique(image.masks.array)
            self.window.tools.edits.delete([int(self.random.choice(cells[1:]))])


if __name__ == "__main__":
    from cellpose_studio.ui.canvas import isolate_napari

    folder, seed = sys.argv[1:]
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication([])
    isolate_napari(None)
    user = User(Path(folder), int(seed))
    app.exec()

"""Weight files that the user offers as models."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.settings import Settings
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.catalogue import from_file
from cellpose_studio.ui.segment.model_picker import ModelPanel


class AddedModels:
    """Reads weight files, offers them in the model panel and remembers them."""

    failed = Signal(Exception)

    def __init__(
        self, panel: ModelPanel, queue: JobQueue, settings: Settings, parent: QWidget
    ) -> None:
        self._panel = panel
        self._queue = queue
        self._settings = settings
        self._parent = parent
        panel.file_wanted.connect(self.choose)

    def choose(self) -> None:
        """Ask for a weight file and offer it as a model."""
        file, _ = QFileDialog.getOpenFileName(
            self._parent, "Add a model", self._settings.folder
        )
        if file:
            self.add(Path(file))

    def add(self, path: Path, select: bool = True) -> Job:
        """Offer a weight file as a model, if it is one."""

        def finish(model: ModelSpec) -> None:
            self._settings.add_model_file(path)
            self._panel.add_model(model, select)

        job = Job(f"Reading {path.name}", lambda _: from_file(path))
        job.finished.connect(finish)
        job.failed.connect(self.failed)
        return self._queue.start(job)

    def add_remembered(self) -> None:
        """Offer those of earlier starts again."""
        for path in self._settings.model_files:
            self.add(path, select=False)

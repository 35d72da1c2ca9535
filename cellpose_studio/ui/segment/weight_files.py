"""Weight files that the user offers as models."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from cellpose_studio.app.jobs import Job
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.catalogue import from_file
from cellpose_studio.ui.segment.model_picker import ModelPanel
from cellpose_studio.ui.services import Services


class AddedModels:
    """Reads weight files, offers them in the model panel and remembers them."""

    def __init__(self, services: Services, panel: ModelPanel) -> None:
        self._services = services
        self._settings = services.settings
        self._panel = panel
        panel.file_wanted.connect(self.choose)

    def choose(self) -> None:
        """Ask for a weight file and offer it as a model."""
        file, _ = QFileDialog.getOpenFileName(
            self._services.parent, "Add a model", self._settings.folder
        )
        if file:
            self.add(Path(file))

    def add(self, path: Path, select: bool = True) -> Job:
        """Offer a weight file as a model, if it is one."""

        def finish(model: ModelSpec) -> None:
            self._settings.add_model_file(path)
            self._panel.add_model(model, select)

        return self._services.run(
            f"Reading {path.name}", lambda _: from_file(path), finish
        )

    def add_remembered(self) -> None:
        """Offer those of earlier starts again."""
        for path in self._settings.model_files:
            self.add(path, select=False)

"""Weight files that the user adds as models, and gives to others."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QInputDialog

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.catalogue import (
    from_file,
    is_weight_file,
    unreadable_shipped,
)
from cellpose_studio.paths import real_path
from cellpose_studio.ui.segment.models.model_export import ModelExport
from cellpose_studio.ui.segment.models.model_picker import ModelPanel
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.training.bioimageio.files import is_package


class AddedModels:
    """Reads weight files, lists them as models and saves them in the settings."""

    def __init__(self, services: Services, panel: ModelPanel) -> None:
        self._services = services
        self._settings = services.settings
        self._panel = panel
        panel.file_requested.connect(self.choose)
        panel.browser.allow_changes()
        self.export = ModelExport(services, panel)
        panel.browser.files_dropped.connect(self._add_all)
        panel.browser.rename_requested.connect(self.ask_for_name)
        panel.browser.remove_requested.connect(
            lambda at: self.forget(panel.models[at].path)
        )

    def choose(self) -> None:
        """Ask for a weight file or a package, and add its model."""
        file, _ = QFileDialog.getOpenFileName(
            self._services.parent, "Add a model", self._settings.folder
        )
        if file:
            self.add(Path(file))

    def add(self, path: Path, select: bool = True) -> Job:
        """Add a weight file, or a package of bioimage.io, as a model.

        The error is shown if it is none. It is not selected for the images of another
        project that was opened meanwhile.
        """
        session = self._services.session
        project = session.project

        def read(checkpoint: Checkpoint) -> ModelSpec:
            if not is_package(path):
                return from_file(path)
            # This imports torch, which the start of the window does not wait for.
            from cellpose_studio.workflows.training.bioimageio.read import (
                import_package,
            )

            return from_file(import_package(path, checkpoint))

        def finish(model: ModelSpec) -> None:
            # Saved only after it was read: other files would fail at each start.
            self._settings.add_model_file(model.path)
            title = self._settings.model_titles.get(str(model.path), model.title)
            chosen = select and project is session.project
            self._panel.add_model(model.model_copy(update={"title": title}), chosen)
            if model.card_problem:
                self._services.messages.note(model.card_problem)

        return self._services.run(f"Reading {path.name}", read, finish)

    def take_weights(self, paths: list[Path]) -> list[Path]:
        """Add the models among ``paths``, and return the others.

        They are weight files, and packages of bioimage.io.
        """
        weights = [path for path in paths if is_weight_file(path) or is_package(path)]
        self._add_all(weights)
        return [path for path in paths if path not in weights]

    def add_saved(self) -> None:
        """Add the weight files of the settings, and show errors of shipped models."""
        for error in unreadable_shipped():
            self._services.messages.fail(failure_of(error))
        for path in self._settings.model_files:
            self.add(path, select=False)

    def ask_for_name(self, at: int) -> None:
        """Ask for another name of the model at an index, and show it so."""
        model = self._panel.models[at]
        title, agreed = QInputDialog.getText(
            self._panel.browser, "Rename a model", "Name:", text=model.label
        )
        if agreed and title.strip():
            self.rename(model, title.strip())

    def rename(self, model: ModelSpec, title: str) -> None:
        """Give the model of a file another name in the lists."""
        self._settings.set_model_title(model.path, title)
        self._panel.replace_model(model, model.model_copy(update={"title": title}))

    def forget(self, path: Path) -> None:
        """Remove the model of a file from the list; the file stays."""
        for model in self._panel.models:
            if model.source == "file" and real_path(model.path) == real_path(path):
                self._settings.forget_model_file(model.path)
                self._panel.replace_model(model, None)

    def _add_all(self, paths: list[Path]) -> None:
        for path in paths:
            self.add(path)

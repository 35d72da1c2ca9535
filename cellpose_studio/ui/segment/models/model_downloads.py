"""Downloads of Cellpose's published models from the browser of models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.models.published import PublishedModel, total_size
from cellpose_studio.io.storage import room_text
from cellpose_studio.io.support.downloads.models import (
    download,
    has_partial,
    installed,
    missing_files,
    published_models,
    remove,
    source_of,
)
from cellpose_studio.io.support.web import host_of
from cellpose_studio.ui.segment.models.model_picker import ModelPanel
from cellpose_studio.ui.segment.models.weight_files import AddedModels
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.question import ask

Confirm = Callable[[PublishedModel, QWidget], bool]


def confirm_download(model: PublishedModel, parent: QWidget) -> bool:
    """Say where a model comes from and what its licence is, and ask."""
    files = missing_files(model)
    hosts = ", ".join(dict.fromkeys(host_of(source_of(file)) for file in files))
    total = total_size(files)
    size = "" if total is None else f" ({room_text(total)})"
    resumed = " What has arrived earlier is used." if has_partial(model) else ""
    return ask(
        parent,
        "Download a model",
        f"Download {model.title}{size} from {hosts}?",
        f"{model.licence}{resumed}",
        "Download",
    )


def confirm_deletion(model: PublishedModel, parent: QWidget) -> bool:
    """Ask whether the files of a model are to be deleted."""
    return ask(
        parent,
        "Delete a model",
        f"Delete the files of {model.title} from this computer?",
        "Cellpose will not find them either. Runs cannot be repeated with this model "
        "until it is downloaded again.",
        "Delete",
        final=True,
    )


class ModelDownloads:
    """Offers published models in the browser, downloads them, adds and deletes them.

    Attributes
    ----------
    confirm, confirm_deletion
        Ask the user; replaced in tests.
    """

    def __init__(
        self, services: Services, panel: ModelPanel, added: AddedModels
    ) -> None:
        self._services = services
        self._panel = panel
        self._browser = panel.browser
        self._added = added
        self._job: Job | None = None
        self.confirm: Confirm = confirm_download
        self.confirm_deletion: Confirm = confirm_deletion
        browser = self._browser
        browser.download_requested.connect(self.download)
        browser.cancel_requested.connect(self.cancel)
        browser.published_requested.connect(self.use)
        browser.delete_requested.connect(self.delete)
        panel.browse.clicked.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the published models, with those marked that are installed now."""
        self._browser.offer(published_models(), installed, _is_complete)

    def download(self, model: PublishedModel) -> Job | None:
        """Download a model once the user has agreed, and add it to the models."""
        if self._job is not None or not self.confirm(model, self._browser):
            return None
        job = Job(f"Downloading {model.name}", lambda step: download(model, step))
        self._job = job
        self._browser.show_progress(model.name)
        job.progress.connect(
            lambda done, total, _: self._browser.show_progress(model.name, done, total)
        )
        job.ended.connect(self._on_end)
        project = self._services.session.project
        job.finished.connect(lambda path: self._on_downloaded(model, path, project))
        job.failed.connect(self._on_failed)
        return self._services.download_jobs.start(job)

    def cancel(self) -> None:
        """Stop the download; what has arrived is kept."""
        if self._job is not None:
            self._job.cancel()

    def use(self, model: PublishedModel) -> None:
        """Add an installed model to the models, and choose it."""
        path = installed(model)
        if path is not None:
            self._added.add(path)

    def delete(self, model: PublishedModel) -> None:
        """Delete the files of a model, once the user has agreed."""
        if not self.confirm_deletion(model, self._browser):
            return
        path = installed(model)

        def finish(freed: int) -> None:
            if path is not None:
                self._added.forget(path)
            self.refresh()
            self._services.messages.note(
                f"{model.title} was deleted, which frees {room_text(freed)}."
            )

        self._services.run(f"Deleting {model.name}", lambda _: remove(model), finish)

    def _on_downloaded(
        self, model: PublishedModel, path: Path, project: Project
    ) -> None:
        # The others find no cells, and are used by name.
        if model.runs_here:
            # Another project that is open by now keeps the model that it has.
            still_open = project is self._services.session.project
            self._added.add(path, select=still_open)

    def _on_end(self) -> None:
        self._job = None
        self._browser.show_progress("")
        self.refresh()

    def _on_failed(self, error: Exception) -> None:
        if not self._browser.isVisible():
            self._services.show_error(error)
            return
        # The dialog covers the messages of the window.
        failure = failure_of(error)
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            "Download a model",
            failure.message,
            QMessageBox.StandardButton.Ok,
            self._browser,
        )
        box.setInformativeText(failure.hint)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()


def _is_complete(model: PublishedModel) -> bool:
    return installed(model) is not None and not missing_files(model)

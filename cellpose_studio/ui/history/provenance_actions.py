"""Commands of “How did I run this?”: copy, export, run again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication, QFileDialog

from cellpose_studio.app.failures import Failure
from cellpose_studio.app.jobs import Work
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.io.atomic import replacing
from cellpose_studio.ui.history.availability import revision_of
from cellpose_studio.ui.history.revision_actions import RevisionActions
from cellpose_studio.ui.history.rows import HistoryRow
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.provenance.origin import provenance
from cellpose_studio.workflows.provenance.recipes import RecipeKind, card_of, recipe

if TYPE_CHECKING:
    from cellpose_studio.workflows.provenance.replay import ReplayResult

_NAMES: dict[RecipeKind, str] = {
    "command": "command line",
    "script": "Python script",
    "methods": "methods paragraph",
    "json": "record",
}
_TIMEOUT = 10.0  # s, for pending writes
_JSON = "JSON (*.json)"
_CRATE = "RO-Crate (*.zip)"
_CRATE_WITH_IMAGE = "RO-Crate with a copy of the image (*.zip)"


class ProvenanceActions(QObject):
    """Copies, exports and repeats the provenance of masks."""

    def __init__(self, services: Services, revisions: RevisionActions) -> None:
        super().__init__(services.parent)
        self._services = services
        self._session = services.session
        self._messages = services.messages
        self._revisions = revisions

    def copy(self, kind: RecipeKind, row: HistoryRow) -> None:
        """Copy the recipe of masks to the clipboard, as text."""
        number, project = self._revision(row), self._session.project
        if number is None:
            return

        def put(text: str) -> None:
            QApplication.clipboard().setText(text)
            self._messages.note(f"Copied the {_NAMES[kind]} of revision {number}.")

        self._services.run(
            f"Copying the {_NAMES[kind]}", lambda _: _text(project, number, kind), put
        )

    def export_json(self, row: HistoryRow) -> None:
        """Ask for a file and save the record of the run."""
        number, project = self._revision(row), self._session.project
        if number is None:
            return
        chosen = self.ask_file("Export the record", f"{self._stem()}_run.json", [_JSON])
        if chosen is None:
            return
        path, _ = chosen

        def work(_: object) -> None:
            text = _text(project, number, "json")
            with replacing(path) as part:
                part.write_text(text, encoding="utf-8")

        self._export(path, work)

    def export_crate(self, row: HistoryRow) -> None:
        """Ask for a file and save masks and record as an RO-Crate."""
        image, number = self._session.shown, self._revision(row)
        if image is None or number is None:
            return
        filters = [_CRATE, _CRATE_WITH_IMAGE]
        chosen = self.ask_file(
            "Export as RO-Crate", f"{self._stem()}_crate.zip", filters
        )
        if chosen is None:
            return
        path, kind = chosen
        project, with_image = self._session.project, kind == _CRATE_WITH_IMAGE
        self._export(
            path, lambda _: _write_crate(project, number, image, path, with_image)
        )

    def run_again(self, row: HistoryRow) -> None:
        """Repeat the run of a revision, and report whether the masks are the same."""
        number, project = self._revision(row), self._session.project
        if number is None:
            return

        def work(checkpoint: Checkpoint) -> ReplayResult:
            # The import of torch takes seconds, and is not needed before.
            from cellpose_studio.workflows.provenance.replay import replay

            # The replay reads the project file: pending writes have to be in it.
            project.writer.flush(_TIMEOUT)
            return replay(project.path, number, checkpoint)

        self._services.run(
            f"Running revision {number} again",
            work,
            self._show_replay,
            queue=self._services.gpu_jobs,
            once_left="is told",
        )

    def ask_file(
        self, title: str, name: str, filters: list[str]
    ) -> tuple[Path, str] | None:
        """Ask for a file; return it and the chosen filter, or None if cancelled."""
        start = Path(self._services.settings.folder) / name
        file, chosen = QFileDialog.getSaveFileName(
            self._services.parent, title, str(start), ";;".join(filters)
        )
        if not file:
            return None
        path = Path(file)
        self._services.settings.set_folder(path.parent)
        suffix = Path(name).suffix
        return (path if path.suffix else Path(f"{file}{suffix}")), chosen

    def _revision(self, row: HistoryRow) -> int | None:
        """Return the revision id of a row; save open edits as a revision first."""
        image = self._session.shown
        if row.node is None and image is not None:
            return self._revisions.seal(image, row.lineage.name)
        revision = revision_of(row)
        return revision.id if revision else None

    def _stem(self) -> str:
        image = self._session.shown
        name = image.source.name if image else "masks"
        return re.sub(r"[^\w.-]+", "_", Path(name).stem).strip("_") or "masks"

    def _export(self, path: Path, work: Work) -> None:
        self._services.run(
            f"Writing {path.name}",
            work,
            lambda _: self._messages.note(f"Saved {path.name} in {path.parent}."),
        )

    def _show_replay(self, result: ReplayResult) -> None:
        first, *more = result.sentences
        number = result.made.revision.id
        if result.identical:
            text = " ".join((first, *more))
            self._messages.note(f"Revision {number} was run again. {text}")
        else:
            # An error message is shown until the user closes it.
            failure = Failure(
                f"Revision {number} was run again. {first}", " ".join(more)
            )
            self._messages.fail(failure)


def _text(project: Project, number: int, kind: RecipeKind) -> str:
    return project.read(lambda db: recipe(provenance(db, number), kind))


def _write_crate(
    project: Project, number: int, image: ProjectImage, path: Path, with_image: bool
) -> None:
    # A late import: only this needs the module, which imports all mask formats.
    from cellpose_studio.io.ro_crate.writer import write_ro_crate

    made = project.read(lambda db: provenance(db, number))
    record = made.known_record()
    write_ro_crate(
        path,
        record,
        project.labels(made.revision),
        image.source,
        made.hand,
        made.revision.author or project.author,
        card=card_of(record.model),
        with_image=with_image,
        classes=made.classes,
    )

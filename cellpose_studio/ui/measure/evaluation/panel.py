"""The evaluation: masks against true ones, or two models side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFileDialog, QLabel, QVBoxLayout, QWidget

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import NoSuchMasks
from cellpose_studio.core.matching.evaluation.evaluate import EvaluationOptions
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.files.dialogs import may_replace_tables
from cellpose_studio.ui.measure.evaluation.errors_on_canvas import ErrorsOnCanvas
from cellpose_studio.ui.measure.evaluation.form import EvaluationForm
from cellpose_studio.ui.measure.evaluation.results import EvaluationResults, WrongCell
from cellpose_studio.ui.measure.evaluation.sides import (
    choices_of,
    decided_on,
    items_of_session,
)
from cellpose_studio.ui.measure.evaluation.texts import LETTERS
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.evaluation.choice import MasksChoice, Sides
from cellpose_studio.workflows.evaluation.items import (
    EvaluatedImages,
    evaluate_items,
    on_the_same_images,
)
from cellpose_studio.workflows.evaluation.tables import csv_files, write_csv, write_json

_TITLE = "Evaluating masks"
_NO_IMAGE = "Open an image with masks first."
_NO_MASKS = "No masks to evaluate yet: run a model, or import masks."
_NEITHER = "No image has all of these masks, or nobody has corrected them."
_OTHERS = "The others lack some of these masks, or nobody has corrected them."
_STALE = (
    "The masks or their classes have changed since, or which cells count. Evaluate "
    "again."
)
_OTHER_IMAGES = "Images were added or removed since. Evaluate again."
_HINT = (
    "Compare masks with true ones: the result of a model with your corrections, or two "
    "models with each other. Wrong cells are listed and shown on the image."
)
_DELAY = 200
"""ms in which changes are looked at together."""

AskFile = Callable[[QWidget], str]
MayReplace = Callable[[QWidget, Sequence[Path]], bool]


def ask_file(parent: QWidget) -> str:
    """Ask where to write the scores; "" if cancelled."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Export evaluation", "evaluation.csv", "Table (*.csv);;JSON (*.json)"
    )
    return str(name)


class EvaluationPanel(QWidget):
    """Evaluates masks, shows the scores, and leads to the cells that are wrong."""

    def __init__(self, services: Services, canvas: Canvas) -> None:
        super().__init__(objectName="evaluation")
        self._services = services
        self._session = services.session
        self._canvas = canvas
        self.ask: AskFile = ask_file
        self.may_replace: MayReplace = may_replace_tables
        self.form = EvaluationForm()
        self.results = EvaluationResults()
        self.on_canvas = ErrorsOnCanvas(services, canvas)
        self.note = QLabel(_HINT, objectName="evaluationNote", wordWrap=True)
        self._job: Job | None = None
        self._shown: tuple[list[Sides], EvaluationOptions] | None = None
        self._of: list[ProjectImage] = []
        self._of_all = False
        self._decided: list[object] = []
        self._edited = False
        self._timer = QTimer(self, singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._refresh)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.form)
        column.addWidget(self.note)
        column.addWidget(self.results, 1)
        self._connect()
        self._enable()

    def evaluate(self) -> None:
        """Compare the chosen masks in a job, and show the result."""
        image, sides = self._session.shown, self.form.sides
        if self._job is not None or image is None or not sides:
            return
        self._session.commit_pending()
        self._edited = False
        of_all = self.form.of_all
        images = [*self._session.images] if of_all else [image]
        decided = decided_on(self._session, images, sides)
        options = self.form.options()
        several = [items_of_session(self._session, images, one) for one in sides]
        if not all(several):
            self.note.setText(_NEITHER)
            return

        def work(checkpoint: Checkpoint) -> list[EvaluatedImages]:
            return [
                evaluate_items(items, options, checkpoint, one.title)
                for items, one in zip(several, sides, strict=True)
            ]

        def finish(found: list[EvaluatedImages]) -> None:
            self._decided = decided
            self._of, self._of_all = images, of_all
            self._finish(found, sides, options, len(images))
            self._on_decisions()
            if self._edited:
                self.note.setText(_STALE)
            self._on_images()

        self._job = self._services.run(
            _TITLE,
            work,
            finish,
            queue=self._services.measure_jobs,
            once_left="is told",
        )
        self._job.ended.connect(self._on_end)
        self._enable()

    def export(self) -> None:
        """Ask for a file, and write the scores; those of B have its letter."""
        results = [one for one in self.results.results if one.images]
        if not results:
            return
        name = self.ask(self.window())
        if not name:
            return
        path = Path(name)
        as_json = path.suffix.lower() == ".json"
        if not as_json and path.suffix.lower() != ".csv":
            path = path.with_name(f"{path.name}.csv")
        written = [
            path.with_name(f"{path.stem}_{letter}{path.suffix}")
            if len(results) > 1
            else path
            for letter, _ in zip(LETTERS, results, strict=False)
        ]
        pairs = list(zip(written, results, strict=True))
        files = written if as_json else [f for one in pairs for f in csv_files(*one)]
        # The dialog has asked about the file of this name only.
        others = [file for file in files if str(file) != name and file.exists()]
        if others and not self.may_replace(self.window(), others):
            return

        def work(_: Checkpoint) -> list[str]:
            for file, result in pairs:
                if as_json:
                    write_json(file, result)
                else:
                    write_csv(file, result)
            return [file.name for file in files]

        def done(names: list[str]) -> None:
            self._services.messages.note(f"Wrote {', '.join(names)}.")

        self._services.run("Exporting the evaluation", work, done)

    def showEvent(self, event: QShowEvent) -> None:
        """Offer the masks that there are now; Qt calls this."""
        super().showEvent(event)
        self._timer.start(0)

    # Within

    def _connect(self) -> None:
        self.form.requested.connect(self.evaluate)
        self.form.export_requested.connect(self.export)
        self.results.image_chosen.connect(self._on_image)
        self.results.error_chosen.connect(self._on_error)
        self.results.colours_changed.connect(self._show_chosen)
        self.on_canvas.closed.connect(self._on_closed)
        self._session.shown_changed.connect(lambda *_: self._timer.start())
        self._session.images_changed.connect(lambda *_: self._on_images())
        self._session.masks_changed.connect(self._on_masks)
        self._session.statuses_changed.connect(lambda *_: self._on_decisions())
        self._session.classes_changed.connect(lambda *_: self._on_classes())
        self._session.class_list_changed.connect(self._on_classes)
        self._services.training.image_changed.connect(lambda _: self._on_decisions())
        self._session.project_changed.connect(self._on_project)
        self._services.selection.changed.connect(self._follow)

    def _refresh(self) -> None:
        """Read in a job which masks there are to choose from."""
        self._enable()
        if not self.isVisible():
            return
        project, image = self._session.project, self._session.shown
        sets = [
            (name, one.label_set_ids[name])
            for one in self._session.images
            for name in one.label_sets
            if name in one.label_set_ids
        ]
        shown = None
        if image is not None and image.active in image.label_set_ids:
            shown = image.active, image.label_set_ids[image.active]
        active = image.active if image is not None else "cells"

        def done(choices: list[tuple[str, MasksChoice]]) -> None:
            self.form.offer(choices, active)
            self._enable()

        self._services.run(
            "Reading the history",
            lambda _: choices_of(project, sets, shown),
            done,
            quiet=True,
            once_left="is dropped",
        )

    def _enable(self) -> None:
        image = self._session.shown
        if image is None:
            reason = _NO_IMAGE
        elif not any(one.label_sets for one in self._session.images):
            reason = _NO_MASKS
        else:
            reason = "Evaluating…" if self._job is not None else ""
        self.form.set_enabled(reason)
        found = self.results.results
        self.form.export.setEnabled(any(one.images for one in found))

    def _finish(
        self,
        found: list[EvaluatedImages],
        sides: list[Sides],
        options: EvaluationOptions,
        asked: int,
    ) -> None:
        shown = on_the_same_images(found)
        self._shown = sides, options
        self.results.show_results(shown)
        failures = {e.message: e for one in found for e in one.failures}.values()
        for error in failures:
            # Images that were never run with a model are counted in the note.
            if not isinstance(error, NoSuchMasks):
                self._services.show_error(error, _TITLE)
        self.note.setText(_note(shown, asked))
        self._show_chosen()

    def _on_end(self) -> None:
        self._job = None
        self._enable()

    def _on_image(self, number: int, frame: int) -> None:
        image = self._session.image_of(number)
        if image is None:
            return
        if image is not self._session.shown:
            self._session.show(image.source.key)
        if frame >= 0:
            self._canvas.camera.show_region(
                [
                    slice(frame, frame + 1),
                    *(slice(0, size) for size in image.source.label_shape[1:]),
                ]
            )

    def _on_error(self, wrong: WrongCell) -> None:
        found, true = self.results.names
        name = found if wrong.error.is_found else true
        self.on_canvas.go_to(wrong.image, wrong.error, name)

    def _show_chosen(self) -> None:
        """Select and colour, if asked for, the wrong cells of the chosen result."""
        if self._shown is None:
            self.on_canvas.close()
            return
        several, options = self._shown
        sides = several[self.results.chosen]
        found, true = (
            one.name if not one.version else "" for one in (sides.found, sides.true)
        )
        self.results.names = found, true
        if self.results.coloured.isChecked():
            self.on_canvas.show(sides, options)
        else:
            self.on_canvas.close()

    def _on_closed(self) -> None:
        self.results.coloured.setChecked(False)

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind in ("drafted", "loaded"):
            return
        if change.kind != "activated":
            self._edited = True
            if self.results.results:
                self.note.setText(_STALE)
        self._timer.start()

    def _on_decisions(self) -> None:
        """Say so if other cells count now."""
        if self._shown is None:
            return
        if decided_on(self._session, self._of, self._shown[0]) != self._decided:
            self.note.setText(_STALE)
            self.results.coloured.setChecked(False)

    def _on_images(self) -> None:
        """Say so if the scores are of images that went, or not of all."""
        self._timer.start()
        if self._shown is None:
            return
        there = {image.id for image in self._session.images}
        of = {image.id for image in self._of}
        if there != of if self._of_all else not of <= there:
            self.note.setText(_OTHER_IMAGES)
            self.results.coloured.setChecked(False)

    def _on_classes(self) -> None:
        """Say so if the cells have other classes now, or some for the first time."""
        self._edited = True
        if any(one.images for one in self.results.results):
            self.note.setText(_STALE)

    def _on_project(self) -> None:
        self._shown = None
        self.results.coloured.setChecked(False)
        self.results.show_results([])
        self.note.setText(_HINT)
        self._timer.start()

    def _follow(self, *_: object) -> None:
        """Select the row of the cell that is chosen on the canvas."""
        image, cell = self._session.shown, self._services.selection.cell
        if image is None or not cell or not self.results.wrong:
            return
        self.results.follow(self.results.row_of(image.id, cell, image.active))


def _note(results: Sequence[EvaluatedImages], asked: int) -> str:
    """Return what was compared, on how many of the images that were asked for."""
    several, count = len(results) > 1, len(results[0].images)
    if not count:
        return _NEITHER
    titles = [
        f"{letter}: {one.title}" if several else one.title
        for letter, one in zip(LETTERS, results, strict=False)
    ]
    text = f"{'; '.join(titles)} · "
    if count == asked:
        return f"{text}{image_count(count)}"
    return f"{text}{count:,} of {image_count(asked)}. {_OTHERS}"

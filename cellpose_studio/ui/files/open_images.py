"""Opens images on a worker thread, and asks for their axes where necessary."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from psygnal import Signal
from qtpy.QtWidgets import QDialog, QWidget

from cellpose_studio.app.images.own_exports import OwnExports
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.known_projects import (
    MasksElsewhere,
    masks_elsewhere,
)
from cellpose_studio.app.project.scratch import unnamed_paths
from cellpose_studio.app.runs.imported import imported_labels
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.axes import AxesQuestion
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.provenance.revision import CellChanges, MotherChanges
from cellpose_studio.core.wording import first_names
from cellpose_studio.io.masks.folders import ImageFiles
from cellpose_studio.io.masks.imported import ImportedMasks, to_json_values
from cellpose_studio.ui.files.dialogs import AxesDialog
from cellpose_studio.ui.files.opening import AT_ONCE, Opening
from cellpose_studio.ui.files.opening_report import (
    Offer,
    OpeningReport,
    added_text,
    show_report,
)
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.left_out import LeftOut, left_out
from cellpose_studio.workflows.open import (
    Opened,
    files_of,
    label_set_name,
    masks_for,
    open_files,
)

OpenProject = Callable[[Path, Callable[[], object]], object]
Ask = Callable[[AxesQuestion, QWidget], "tuple[str, bool] | None"]


def ask_axes(question: AxesQuestion, parent: QWidget) -> tuple[str, bool] | None:
    """Return the axes, and whether to use them for all such files; None: cancelled."""
    dialog = AxesDialog(question, parent)
    if dialog.exec() != QDialog.DialogCode.Accepted:
        return None
    return dialog.axes, dialog.same.isChecked()


_MANY = 50
"""Files from which on the names of those still to be read are shown."""


class Opener:
    """Adds images to the project, with the masks found beside them.

    An image that has masks already keeps them: what lies beside it is offered, unless
    it was exported from there.
    """

    waiting_changed = Signal(tuple)  # names of the files that are still to be read

    def __init__(self, services: Services, open_project: OpenProject) -> None:
        self._services = services
        self._open_project = open_project
        self._session = services.session
        self._settings = services.settings
        self._messages = services.messages
        self._openings: list[Opening] = []
        self.ask: Ask = ask_axes

    def open(self, paths: Sequence[Path], axes: str | None = None) -> Job:
        """Open files and folders, and show the first image of them.

        Files are opened in batches: the masks and flows of a large folder together
        could exceed the memory, and its first images are shown before the last ones
        are read.
        """
        names = [path.name for path in paths]
        title = f"Opening {first_names(names, 1)}" if paths else "Opening"
        project = self._session.project
        opening = Opening(
            paths=paths,
            axes=axes,
            title=title,
            project=project,
            exports=OwnExports(project, self._session.images.known),
            report=OpeningReport(title=title),
        )
        return self._services.run(
            title,
            lambda _: _found(paths),
            lambda found: self._on_files(opening, *found),
        )

    def _on_files(
        self,
        opening: Opening,
        files: list[ImageFiles],
        names: list[str],
        failures: list[StudioError],
        left: LeftOut,
    ) -> None:
        opening.files, opening.names = files, names
        opening.report.failures += failures
        opening.report.left_out = left
        if len(files) >= _MANY:
            self._hide_known(opening)
            self._openings.append(opening)
            self._show_waiting()
        self._open_batch(opening)

    def _hide_known(self, opening: Opening) -> None:
        """Show no name of a file that is in the list already."""
        known = {str(image.source.path) for image in self._session.images}
        if known:
            pairs = zip(opening.files, opening.names, strict=True)
            opening.names = [
                "" if str(entry.image) in known else name for entry, name in pairs
            ]
            opening.some_hidden = "" in opening.names

    def _show_waiting(self) -> None:
        names = itertools.chain(*(one.waiting() for one in self._openings))
        self.waiting_changed.emit(tuple(names))

    def _end(self, opening: Opening) -> None:
        if opening in self._openings:
            self._openings.remove(opening)
            self._show_waiting()

    def _open_batch(self, opening: Opening) -> None:
        done, total = opening.done, len(opening.files)
        batch = opening.next_files()
        axes = opening.axes

        def work(checkpoint: Checkpoint) -> tuple[Opened, list[dict[str, LabelSet]]]:
            begun = time.monotonic()
            opened = open_files(batch, checkpoint, axes, done, total)
            _set_offers_apart(opened, opening)
            labels = [_labels_of(*one) for one in opened.images]
            if not opening.shown and opened.images:
                for one in labels[0].values():
                    one.pixels.draw_ahead({})
                # The canvas shows an error of the file.
                with suppress(StudioError):
                    opened.images[0][0].read_ahead()
            opening.took = time.monotonic() - begun
            return opened, labels

        job = self._services.run(
            opening.title, work, lambda found: self._on_opened(opening, *found)
        )
        job.cancelled.connect(lambda: self._end(opening))
        job.failed.connect(lambda _: self._end(opening))

    def _on_opened(
        self, opening: Opening, opened: Opened, labels: list[dict[str, LabelSet]]
    ) -> None:
        # The images belong to the project in which the user opened them.
        if self._session.project is not opening.project:
            self._end(opening)
            self._messages.note(
                f"{opening.title} was stopped, because another project was opened. "
                f"{opening.added} of {len(opening.files)} files were added to the "
                "previous project."
            )
            return
        opening.adapt()
        if opened.images:
            self._add(opened, labels, opening)
        if opening in self._openings:
            self._show_waiting()
        opening.added = opening.done
        opening.questions += opened.questions
        opening.report.failures += opened.failures
        opening.report.notes += opened.notes
        # The next batch is read after this one was added, so that only one is in
        # memory.
        if opening.done < len(opening.files):
            self._open_batch(opening)
        else:
            self._finish(opening)

    def _finish(self, opening: Opening) -> None:
        self._end(opening)
        if opening.shown or opening.questions:
            self._settings.add_recent(opening.paths)
        named, unnamed = list(self._settings.projects), [self._session.project.path]
        bare = {e.source.path: None for e in opening.images if not e.label_set_ids}
        report = opening.report

        def look() -> list[MasksElsewhere]:
            others = set(unnamed_paths()).difference(unnamed)
            return masks_elsewhere(bare, set(named).difference(unnamed), others)

        def tell(found: list[MasksElsewhere]) -> None:
            report.elsewhere = found
            show_report(report, self._messages, self.add_masks, self._open_elsewhere)

        # Failures are not kept waiting.
        if bare and not report.failures:
            # Projects may lie on a drive that does not answer.
            self._services.run(
                "Searching projects",
                lambda _: look(),
                tell,
                quiet=True,
                queue=self._services.stack_jobs,
                once_left="is dropped",
            )
        else:
            tell([])
        # The questions come last, because a dialog would delay the other files.
        self._ask_about(opening.questions)

    def _add(
        self,
        opened: Opened,
        labels: list[dict[str, LabelSet]],
        opening: Opening,
    ) -> None:
        images = self._session.add((one for one, _ in opened.images), opening.axes)
        opening.images += images
        found = zip(images, opened.images, labels, strict=True)
        for image, (_, masks), label_sets in found:
            # It may have got masks since its file was read, by a run for example.
            if image.label_set_ids:
                opening.report.offers += [
                    (image.source, one.path) for one in masks.values()
                ]
                continue
            for name, one in label_sets.items():
                self._import(image, one, masks[name])
                self._session.choose_label_set(image, name)
            self._services.training.show_used(image)
        if not opening.shown:
            opening.shown = True
            self._session.show(images[0].source.key)

    def _import(
        self, image: ProjectImage, labels: LabelSet, masks: ImportedMasks
    ) -> None:
        details = to_json_values(masks.details)
        mothers: MotherChanges = {
            cell: (None, mother) for cell, mother in masks.mothers.items()
        }
        changes = CellChanges(mothers=mothers)
        self._session.import_masks(image, labels, details, changes)
        if masks.unlabelled is not None:
            self._services.training.say_unlabelled(
                image, labels.name, masks.packed_unlabelled
            )

    def _open_elsewhere(self, found: MasksElsewhere) -> None:
        """Open a project, and show the first of the images in it that were opened."""
        images = set(found.images)

        def show() -> None:
            keys = (e.source for e in self._session.images if e.source.path in images)
            if (source := next(keys, None)) is not None:
                self._session.show(source.key)

        self._open_project(found.project.path, show)

    def add_masks(self, offers: Sequence[Offer], gone: Sequence[str] = ()) -> None:
        """Add masks as further label sets, some at a time; the active masks stay.

        ``gone`` names images that were removed before theirs were read.
        """
        batch, rest = offers[:AT_ONCE], offers[AT_ONCE:]

        def work(checkpoint: Checkpoint) -> list[tuple[str, LabelSet, ImportedMasks]]:
            read = []
            for n, (image, path) in enumerate(batch):
                checkpoint.reached(n, len(batch), "reading masks")
                masks = masks_for(image, path)
                name = label_set_name(path, image)
                read.append((image.key, imported_labels(name, masks, image), masks))
            return read

        def put(read: list[tuple[str, LabelSet, ImportedMasks]]) -> None:
            missing = list(gone)
            for (source, _), (key, labels, masks) in zip(batch, read, strict=True):
                image = self._session.image(key)
                if image is None:
                    missing.append(source.name)
                    continue
                free = image.free_name(labels.name)
                self._import(image, replace(labels, name=free), masks)
                if image.masks is None:
                    self._session.choose_label_set(image, free)
            if rest:
                self.add_masks(rest, missing)
            else:
                self._messages.note(added_text(missing))

        self._services.run("Adding masks", work, put, once_left="is told")

    def _ask_about(self, questions: list[AxesQuestion]) -> None:
        """Ask for the axes of each file or shape, then open the files."""
        answers: dict[tuple[int, ...], str] = {}
        for question in questions:
            axes = answers.get(question.shape)
            if axes is None:
                answer = self.ask(question, self._services.parent)
                if answer is None:
                    continue
                axes, for_all = answer
                if for_all:
                    answers[question.shape] = axes
            self.open([question.path], axes)


def _found(
    paths: Sequence[Path],
) -> tuple[list[ImageFiles], list[str], list[StudioError], LeftOut]:
    """Return the images of paths, their names, what failed, and what is left out."""
    files, failures = files_of(paths)
    names = [entry.image.name for entry in files]
    return files, names, failures, left_out(paths, files)


def _set_offers_apart(opened: Opened, opening: Opening) -> None:
    """Take masks out of what was opened whose image has masks in the project.

    They are offered, unless they were exported from there; for a worker thread.
    """
    exports = opening.exports
    for image, masks in opened.images:
        if masks and exports.has_masks(image.key):
            opening.report.offers += [
                (image, one.path)
                for one in masks.values()
                if not exports.contains(image.key, one.labels)
            ]
            masks.clear()


def _labels_of(
    image: ImageSource, masks: dict[str, ImportedMasks]
) -> dict[str, LabelSet]:
    """Return the label sets of an image; for a worker thread, as it counts cells."""
    return {name: imported_labels(name, one, image) for name, one in masks.items()}

"""Replay: repeats the run behind a revision of a project, and compares the masks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import (
    ImageUnreadable,
    ProjectDamaged,
)
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.masks.labels import cell_count
from cellpose_studio.core.matching.compare import Comparison, compare_labels
from cellpose_studio.core.matching.region_merge import merge_region
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import IN_REGION_KEY
from cellpose_studio.core.recipes import effective_edits
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import read_project
from cellpose_studio.io.project.reading import RESCUE_HINTS
from cellpose_studio.io.project.tables.images import StoredImage, read_image_table
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revision_source import read_sealed_edits
from cellpose_studio.io.project.tables.revisions import read_label_sets
from cellpose_studio.workflows.provenance.origin import Provenance, provenance
from cellpose_studio.workflows.provenance.run_again import run_again
from cellpose_studio.workflows.provenance.run_record import masks_sha256, pixels_sha256


@dataclass(frozen=True, eq=False, kw_only=True)
class ReplayResult:
    """Result of a replay.

    Attributes
    ----------
    made
        How the revision was made.
    image_changed
        Whether the pixels of the image differ from those of the run.
    run_identical
        Whether the masks equal those of the run, bit by bit. None if the record does
        not have their checksum, as after a change of thresholds.
    comparison
        Comparison of the masks of ``made.base`` with the new ones.
    cells
        Number of cells in the new masks; with those around the region of a run.
    edits_repeat
        Whether the later edits give the revision again; None if there are none, or
        the masks before them differ.
    notes
        What differs from the time of the run, one sentence each.
    """

    made: Provenance
    image_changed: bool
    run_identical: bool | None
    comparison: Comparison
    cells: int
    edits_repeat: bool | None
    notes: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether the run gave the same masks again."""
        return bool(self.run_identical) or _same(self.comparison)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Sentences for the user, the answer first."""
        return (_answer(self), *_about_edits(self), *self.notes)


def replay(path: Path, revision: int, checkpoint: Checkpoint) -> ReplayResult:
    """Repeat the run behind a revision, and compare the masks.

    The image, the model, the device, the precision, the number of threads and how they
    run tiles are those of the record. Edits by hand after it are applied to the same
    masks.

    Raises
    ------
    NoRun
        If no run made the masks.
    ProjectUnusable, ProjectDamaged, ImageUnreadable, ModelUnusable
        If something is missing.
    ParametersUnfit, NotEnoughMemory
        As in `segment`.
    Cancelled
        After a stop.
    """
    stored = _read(path, revision)
    record = stored.made.known_record()
    image = reopened(stored.image)
    checkpoint.reached(0, 0, "checking the image")
    changed = _has_changed(image, record, checkpoint)
    result, notes = run_again(image, record, checkpoint)
    same_run = None
    # A change of thresholds leaves no checksum of the run's masks in the record.
    if record.masks_sha256:
        same_run = masks_sha256(result.labels) == record.masks_sha256
    labels = _together(stored, result)
    comparison = compare_labels(stored.base, labels)
    return ReplayResult(
        made=stored.made,
        image_changed=changed,
        run_identical=same_run,
        comparison=comparison,
        cells=cell_count(labels),
        edits_repeat=_edits_repeat(stored) if same_run or _same(comparison) else None,
        notes=(*_about_image(changed, image), *image.notes, *notes),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _StoredRun:
    """Content of a project about a revision."""

    made: Provenance
    image: StoredImage
    base: Labels
    outside: Labels | None
    labels: Labels
    edits: list[LabelEdit]


def _read(path: Path, revision: int) -> _StoredRun:
    file = read_project(path)
    try:
        made = provenance(file.db, revision)
        made.known_record()
        base, last = made.base, made.revision
        return _StoredRun(
            made=made,
            image=_image_of(file.db, path.parent, last.label_set),
            base=read_labels(file.db, base.id, base.shape),
            outside=_outside(file.db, made),
            labels=read_labels(file.db, last.id, last.shape),
            edits=[
                e for one in made.edited for e in read_sealed_edits(file.db, one.id)
            ],
        )
    finally:
        file.close()


def _outside(db: sqlite3.Connection, made: Provenance) -> Labels | None:
    """Return the masks that a run in a region changed; None for other runs."""
    before = made.base.parent
    if made.earlier is None or before is None:
        return None
    return read_labels(db, before, made.base.shape)


def _together(stored: _StoredRun, result: Segmentation) -> Labels:
    """Return the new masks, in a region merged with the masks before as then."""
    region, before = result.parameters.region, stored.outside
    if region is None or before is None:
        return result.labels
    kept = stored.made.base.details.get(IN_REGION_KEY, [])
    table, frames = CellTable.of(before), result.image.frames
    return merge_region(
        before, table, result.labels, region, frames, locked=kept
    ).labels


def _image_of(db: sqlite3.Connection, folder: Path, label_set: int) -> StoredImage:
    images = {stored.id: stored for stored in read_image_table(db, folder)}
    for one in read_label_sets(db):
        if one.id == label_set and one.image in images:
            return images[one.image]
    raise ProjectDamaged(
        "The project file is damaged: the image of the masks is missing.", *RESCUE_HINTS
    )


def reopened(stored: StoredImage) -> ImageSource:
    """Open the image in its present state, even if its pixels have changed."""
    known = stored.image
    for image in open_images(known.path, stored.asked_axes):
        if image.scene == known.scene and image.shape == known.shape:
            return image
    raise ImageUnreadable(
        f"{known.name} in {known.path.parent} is a different image than the one in "
        "the project: its size or its axes differ.",
        "Use File > Relink images to locate it.",
    )


def _has_changed(image: ImageSource, record: RunRecord, checkpoint: Checkpoint) -> bool:
    # A record has no hash if the pixels could not be read after the run.
    if not record.image.pixels_sha256:
        return image.fingerprint != record.image.fingerprint
    return pixels_sha256(image, checkpoint) != record.image.pixels_sha256


def _edits_repeat(stored: _StoredRun) -> bool | None:
    """Return whether the edits, applied to the masks before them, give the revision."""
    if not stored.edits:
        return None
    labels = stored.base.copy()
    for edit in stored.edits:
        edit.apply(labels)
    return _same(compare_labels(stored.labels, labels))


def _same(comparison: Comparison) -> bool:
    return comparison.pixels == 0


def _answer(result: ReplayResult) -> str:
    if _same(result.comparison):
        return f"Identical: all {result.cells} cells are the same, pixel by pixel."
    if result.run_identical:
        return (
            f"Identical: the run gave the same {result.cells} cells again, pixel by "
            f"pixel. Revision {result.made.base.id} also contains cells that were kept "
            f"from before it: {_difference(result)}"
        )
    return f"Different: {_difference(result)}"


def _difference(result: ReplayResult) -> str:
    found = result.comparison
    return (
        f"{result.made.base.cells} cells then, {result.cells} now; "
        f"{len(found.unchanged)} are the same, {len(found.changed)} have changed, "
        f"{len(found.added)} were added, {len(found.removed)} were removed; "
        f"{found.pixels} pixels differ."
    )


def _about_edits(result: ReplayResult) -> Iterator[str]:
    made = result.made
    # Without those that were undone, as the methods paragraph counts.
    count = len(effective_edits(made.hand.after))
    if not count:
        return
    edits = "1 edit" if count == 1 else f"{count} edits"
    if result.edits_repeat is None:
        yield f"Compared before the {edits} by hand that came after."
    elif result.edits_repeat:
        yield f"The {edits} by hand that came after give revision {made.revision.id}."
    else:
        yield (
            f"The {edits} by hand that came after do not give revision "
            f"{made.revision.id}: the journal is not complete."
        )


def _about_image(changed: bool, image: ImageSource) -> Iterator[str]:
    if changed:
        yield f"The pixels of {image.name} have changed since the run."

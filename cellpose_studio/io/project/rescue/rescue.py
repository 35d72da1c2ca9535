"""Copies the readable part of a damaged project into a new one."""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.core.errors import CannotSave, ProjectUnusable
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.project.file import create_project
from cellpose_studio.io.project.lock import locked_by_another
from cellpose_studio.io.project.recovery.sidecar_files import is_taken
from cellpose_studio.io.project.rescue import extras
from cellpose_studio.io.project.rescue.images import Images
from cellpose_studio.io.project.rescue.journal import save_journal
from cellpose_studio.io.project.rescue.masks import Masks
from cellpose_studio.io.project.rescue.salvage import Salvage
from cellpose_studio.io.temporary import remove_leftovers, temporary_name


@dataclass(frozen=True)
class RescueReport:
    """Result of a rescue, in sentences.

    Attributes
    ----------
    target
        The new project.
    saved
        Its content: "5 images".
    lost
        What was lost; empty if nothing is known to be lost.
    """

    target: Path
    saved: tuple[str, ...]
    lost: tuple[str, ...]

    def __str__(self) -> str:
        saved = f"Saved in {self.target.name}: {', '.join(self.saved)}."
        return "\n".join([saved, *(self.lost or ("Nothing was lost.",))])


def rescue(source: Path, target: Path) -> RescueReport:
    """Copy the intact rows of ``source`` into a new project; ``source`` is not changed.

    Raises
    ------
    ProjectUnusable
        If nothing can be read, or the project is open.
    CannotSave
        If ``target`` exists, or cannot be written.
    """
    _check_paths(source, target)
    remove_leftovers(target.parent)
    try:
        return _rescued(source, target)
    except sqlite3.OperationalError as error:
        raise CannotSave(f"{target.name} could not be saved: {error}.") from error


def _rescued(source: Path, target: Path) -> RescueReport:
    with (
        replacing(target) as part,
        tempfile.TemporaryDirectory(
            dir=target.parent, prefix=temporary_name("rescue")
        ) as folder,
        Salvage(source, Path(folder)) as salvage,
    ):
        saved, lost = _save(salvage, part, source.parent, target.parent)
        if not any(count for _, count in saved):
            raise ProjectUnusable(f"Nothing in {source.name} can be read.")
    counts = tuple(_counted(count, what) for what, count in saved if count)
    return RescueReport(target, counts, tuple(lost))


def _check_paths(source: Path, target: Path) -> None:
    if not source.is_file():
        folder = source.absolute().parent
        raise ProjectUnusable(f"{source.name} does not exist in {folder}.")
    if locked_by_another(source):
        raise ProjectUnusable(
            f"{source.name} is open in another window.", "Close it there."
        )
    if is_taken(target):
        raise CannotSave(f"{target.name} already exists.", "Choose another name.")


def _save(
    salvage: Salvage, part: Path, old: Path, new: Path
) -> tuple[list[tuple[str, int]], list[str]]:
    """Return what was saved, with counts, and sentences about what was lost."""
    file = create_project(part)
    db = file.db
    try:
        db.execute("BEGIN")
        images = Images(salvage, old)
        masks = Masks(salvage)
        label_sets = images.label_sets(masks)
        images.save(db, new)
        masks.save(db, label_sets)
        edits = save_journal(db, salvage, masks, label_sets)
        others = extras.save_extras(db, salvage)
        db.execute("COMMIT")
    finally:
        file.close()
    saved = [
        ("image", len(images.images)),
        ("record of a run", len(images.runs)),
        ("version of masks", len(masks.saved)),
        ("step of editing", edits.saved),
        ("other setting", others),
    ]
    return saved, [
        *images.lost,
        *masks.lost,
        *edits.lost,
        *salvage.lost,
        *_uncertainty(salvage),
    ]


def _uncertainty(salvage: Salvage) -> list[str]:
    if salvage.whole:
        return []
    return ["Parts of the file cannot be read, so more may have been lost."]


_PLURALS: dict[str, str] = {
    "record of a run": "records of runs",
    "version of masks": "versions of masks",
    "step of editing": "steps of editing",
}


def _counted(count: int, what: str) -> str:
    return f"{count} {what if count == 1 else _PLURALS.get(what, what + 's')}"

"""The tables of label sets and their revisions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cellpose_studio.core.masks.cell_table import HIGHEST_ID
from cellpose_studio.core.provenance.revision import KIND_WORDS, LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.checksums import (
    check,
    label_set_sha256,
    row_sha256,
)
from cellpose_studio.io.project.reading import (
    from_json,
    reading,
    snapshot,
    to_json,
    to_utc,
)

_FIXED = (
    "id, label_set, parent, kind, created, origin, shape, cells, run, parameters, "
    "details, author"
)
_COLUMNS = f"{_FIXED}, note, sha256"


@dataclass(frozen=True, kw_only=True)
class StoredLabelSet:
    """Masks of one kind on one image.

    Attributes
    ----------
    image
        Id of the image.
    head
        The current revision; None while it has no masks.
    cells
        Current number of cells, including edits.
    edited
        Whether there are edits after the head.
    highest
        The highest id that any cell has ever had.
    """

    id: int
    image: int
    name: str
    head: LabelRevision | None = None
    cells: int = 0
    edited: bool = False
    highest: int = 0


def write_label_set(db: sqlite3.Connection, number: int, image: int, name: str) -> None:
    """Insert a label set without masks, unless it exists."""
    db.execute(
        "INSERT OR IGNORE INTO label_set (id, image, name, sha256) VALUES (?, ?, ?, ?)",
        (number, image, name, row_sha256(number, image, name, None)),
    )


def rename(db: sqlite3.Connection, label_set: int, name: str) -> None:
    """Give a label set another name."""
    db.execute("UPDATE label_set SET name = ? WHERE id = ?", (name, label_set))
    db.execute(
        "UPDATE label_set SET sha256 = ? WHERE id = ?",
        (label_set_sha256(db, label_set), label_set),
    )


def set_head(
    db: sqlite3.Connection,
    label_set: int,
    revision: int | None,
    cells: int,
    highest: int = 0,
) -> None:
    """Make ``revision`` the head of a label set.

    ``highest`` is the highest id of its cells; that of a label set never decreases.
    """
    db.execute("UPDATE label_set SET head = ? WHERE id = ?", (revision, label_set))
    set_cells(db, label_set, cells, highest)
    # This follows the change of the head, which the checksum covers.
    db.execute(
        "UPDATE label_set SET sha256 = ? WHERE id = ?",
        (label_set_sha256(db, label_set), label_set),
    )


def set_cells(
    db: sqlite3.Connection, label_set: int, cells: int, highest: int = 0
) -> None:
    """Update the number of cells of a label set, and their highest id."""
    # The highest id never decreases, because ids are never reused, not even those of
    # deleted cells.
    db.execute(
        "UPDATE label_set SET cells = ?, highest = max(highest, ?) WHERE id = ?",
        (cells, highest, label_set),
    )


def write_revision(
    db: sqlite3.Connection, revision: LabelRevision, thumbnail: bytes | None = None
) -> None:
    """Insert a revision without its chunks; ``thumbnail`` is a PNG."""
    parameters = revision.parameters
    values = (
        revision.id,
        revision.label_set,
        revision.parent,
        revision.kind,
        revision.created.isoformat(),
        revision.origin,
        to_json(revision.shape),
        revision.cells,
        revision.run,
        None if parameters is None else parameters.model_dump_json(),
        to_json(revision.details),
        revision.author,
    )
    # The empty checksum makes the revision unreadable until its chunks are written.
    checks = row_sha256(*values), b""
    marks = ", ".join("?" * (len(values) + 4))
    db.execute(
        f"INSERT INTO revision ({_COLUMNS}, chunks_sha256, thumbnail) "  # noqa: S608
        f"VALUES ({marks})",
        (*values, revision.note, *checks, thumbnail),
    )


def set_note(db: sqlite3.Connection, revision: int, note: str) -> None:
    """Update the user's note of a revision."""
    db.execute("UPDATE revision SET note = ? WHERE id = ?", (note, revision))


def read_label_sets(db: sqlite3.Connection) -> list[StoredLabelSet]:
    """Return all label sets of the project with their heads.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the list of masks"), snapshot(db):
        edited = {
            row[0]
            for row in db.execute(
                "SELECT DISTINCT label_set FROM journal JOIN label_set ON "
                "label_set.id = label_set AND base IS label_set.head "
                "WHERE sealed IS NULL AND delta IS NOT NULL"
            )
        }
        columns = ", ".join(f"revision.{name}" for name in _COLUMNS.split(", "))
        # Outer joins show a missing image or head as NULL. Inner joins would leave out
        # the masks without a word.
        rows = db.execute(
            "SELECT label_set.id, image, name, label_set.cells, highest, "  # noqa: S608
            f"label_set.sha256, head, image.id IS NOT NULL, {columns} FROM label_set "
            "LEFT JOIN revision ON revision.id = head "
            "LEFT JOIN image ON image.id = image ORDER BY label_set.id"
        )
        found = []
        for row in rows:
            check(row[5], label_set_sha256(db, row[0]))
            found.append(_label_set(row, edited))
        return found


def read_revisions(db: sqlite3.Connection, label_set: int) -> list[LabelRevision]:
    """Return the revisions of a label set, the oldest first.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the history"):
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM revision WHERE label_set = ? "  # noqa: S608
            "ORDER BY id",
            (label_set,),
        )
        return [_revision(row) for row in rows]


def read_revision(db: sqlite3.Connection, number: int) -> LabelRevision | None:
    """Return the revision with an id; None if there is none.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the history"):
        row = db.execute(
            f"SELECT {_COLUMNS} FROM revision WHERE id = ?",  # noqa: S608
            (number,),
        ).fetchone()
        return None if row is None else _revision(row)


def revision_of_row(row: tuple[object, ...]) -> LabelRevision:
    """Return the revision of a row, whose last column is the checksum.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the history"):
        return _revision(row)


def read_thumbnails(
    db: sqlite3.Connection, revisions: Iterable[int]
) -> dict[int, bytes]:
    """Return the PNG thumbnails of ``revisions``, where there is one.

    Raises
    ------
    ProjectDamaged
    """
    found = {}
    with reading("a thumbnail"):
        for number in revisions:
            row = db.execute(
                "SELECT thumbnail FROM revision WHERE id = ?", (number,)
            ).fetchone()
            if row is not None and row[0] is not None:
                found[number] = bytes(row[0])
    return found


def _label_set(row: tuple[Any, ...], edited: set[int]) -> StoredLabelSet:
    number, image, name, cells, highest, _, head, has_image, *rest = row
    if not has_image or (head is not None and rest[0] is None):
        raise ValueError("the image or the head is missing")
    revision = None if head is None else _revision(tuple(rest))
    return StoredLabelSet(
        id=int(number),
        image=int(image),
        name=str(name),
        head=revision,
        cells=int(cells),
        edited=number in edited,
        # No checksum protects this value, so it is limited to possible ids.
        highest=min(max(int(highest), 0), HIGHEST_ID),
    )


def _revision(row: tuple[Any, ...]) -> LabelRevision:
    *fixed, note, sha256 = row
    check(sha256, row_sha256(*fixed))
    (
        number,
        label_set,
        parent,
        kind,
        created,
        origin,
        shape,
        cells,
        run,
        parameters,
        details,
        author,
    ) = fixed
    if kind not in KIND_WORDS:
        raise ValueError(f"an unknown kind of revision: {kind}")
    lengths = tuple(int(n) for n in from_json(shape))
    if not 2 <= len(lengths) <= 4 or min(lengths) < 1:
        raise ValueError("a label image of an impossible shape")
    return LabelRevision(
        id=int(number),
        label_set=int(label_set),
        parent=parent,
        kind=kind,
        created=to_utc(created),
        origin=str(origin),
        shape=lengths,
        cells=int(cells),
        run=run,
        parameters=SegmentationParameters.model_validate_json(parameters)
        if parameters
        else None,
        details=dict(from_json(details)),
        author=str(author),
        note=str(note),
    )

"""The table of the confidence of the network in the cells of revisions."""

from __future__ import annotations

import math
import sqlite3
import zlib

import numpy as np

from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.io.project.reading import from_json, reading

_MOST_CELLS = 2**28
# UNION drops rows that occurred before, so that a damaged circle of parents comes to an
# end.
_UP_TO_EDITED = """
WITH RECURSIVE line (id, parent, kind) AS (
    SELECT id, parent, kind FROM revision WHERE id = ?
    UNION
    SELECT above.id, above.parent, above.kind
    FROM revision above JOIN line ON above.id = line.parent
    WHERE line.kind = 'edit'
)"""
"""A revision and, if it is an edit, its ancestors up to the unedited masks."""


def write_confidence(
    db: sqlite3.Connection, revision: int, confidence: Confidence
) -> None:
    """Store the confidence in the cells of a revision.

    Four columns of one value per cell, compressed together, little-endian: id
    (uint32), pixels (uint32), flow error (float32), probability (float32).
    """
    columns = (
        confidence.ids.astype("<u4"),
        confidence.pixels.astype("<u4"),
        confidence.flow_errors.astype("<f4"),
        confidence.probabilities.astype("<f4"),
    )
    data = zlib.compress(b"".join(column.tobytes() for column in columns), 1)
    db.execute(
        "INSERT INTO confidence VALUES (?, ?, ?, ?, ?)",
        (
            revision,
            len(confidence.ids),
            confidence.candidates,
            confidence.misfits,
            data,
        ),
    )


def read_confidence(db: sqlite3.Connection, revision: int) -> Confidence | None:
    """Return the confidence in the cells of a revision; None if there is none.

    For edited masks, it is that of the masks before the edits.

    Raises
    ------
    ProjectDamaged
    """
    with reading("how sure the network was"):
        row = db.execute(
            f"{_UP_TO_EDITED} "  # noqa: S608
            "SELECT confidence.cells, candidates, misfits, data, shape "
            "FROM confidence JOIN line ON confidence.revision = line.id "
            "JOIN revision ON revision.id = line.id "
            "ORDER BY line.id DESC LIMIT 1",
            (revision,),
        ).fetchone()
        return None if row is None else _confidence(*row)


def _confidence(
    cells: int, candidates: int, misfits: int, data: bytes, shape: str
) -> Confidence:
    # Each has a pixel at least: before memory is taken for what may be nonsense.
    if not 0 <= cells <= min(_MOST_CELLS, math.prod(from_json(shape))):
        raise ValueError(f"an impossible number of cells: {cells}")
    # The limit keeps damaged or hostile data from filling the memory.
    # One byte beyond the expected size is enough to reveal data that are too long.
    raw = zlib.decompressobj().decompress(data, 16 * cells + 1)
    columns = np.frombuffer(raw, "<u4").reshape(4, cells)
    return Confidence(
        ids=columns[0].astype(np.uint32),
        pixels=columns[1].astype(np.int64),
        flow_errors=columns[2].view("<f4").astype(np.float64),
        probabilities=columns[3].view("<f4").astype(np.float64),
        candidates=int(candidates),
        misfits=int(misfits),
    )

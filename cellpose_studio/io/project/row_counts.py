"""Numbers of rows and highest ids of the tables of a project."""

from __future__ import annotations

import sqlite3
from collections import Counter

from cellpose_studio.io.project.reading import reading

_WITH_IDS = (
    "image",
    "label_set",
    "revision",
    "journal",
    "run",
    "batch",
    "cell_class",
    "classifier",
    "training_round",
)
_OTHERS = (
    "confidence",
    "chunk",
    "revision_chunk",
    "cell",
    "division",
    "classified",
    "preset",
    "training",
    "training_marks",
)


def last_ids(db: sqlite3.Connection) -> Counter[str]:
    """Return the highest id of each table that has ids.

    Raises
    ------
    ProjectDamaged
    """
    last: Counter[str] = Counter()
    with reading("the list of masks"):
        for table in _WITH_IDS:
            row = db.execute(f"SELECT max(id) FROM {table}").fetchone()  # noqa: S608
            # The maximum of an empty table is NULL.
            last[table] = int(row[0] or 0)
    return last


def content_counts(db: sqlite3.Connection) -> tuple[Counter[str], Counter[str]]:
    """Return the highest ids and the numbers of rows, which are equal in a copy.

    Raises
    ------
    ProjectDamaged
    """
    rows: Counter[str] = Counter()
    with reading("the list of masks"):
        for table in (*_WITH_IDS, *_OTHERS):
            count = f"SELECT count(*) FROM {table}"  # noqa: S608
            rows[table] = int(db.execute(count).fetchone()[0])
    return last_ids(db), rows

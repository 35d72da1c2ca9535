"""The tables of classes: the classes themselves, the cells in them, the classifiers."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.core.provenance.classes.classifier_record import ClassifierRecord
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading

_PARTS = 10_000
"""A probability of 1, as it is stored: whole numbers read the same everywhere."""


@dataclass(frozen=True, kw_only=True)
class StoredClasses:
    """All that a project knows of classes.

    Attributes
    ----------
    classes
        Also those that were removed.
    assigned
        The class of cells, by label set and id.
    classifiers
        By id; the last one is the newest.
    """

    classes: tuple[CellClass, ...] = ()
    assigned: dict[int, dict[int, Assigned]] = field(default_factory=dict)
    classifiers: dict[int, ClassifierRecord] = field(default_factory=dict)


def write_class(db: sqlite3.Connection, one: CellClass) -> None:
    """Add a class, or change it."""
    row = one.id, one.name, one.colour, one.key, int(one.removed)
    db.execute(
        "INSERT OR REPLACE INTO cell_class VALUES (?, ?, ?, ?, ?, ?)",
        (*row, row_sha256(*row)),
    )


def write_classifier(
    db: sqlite3.Connection, number: int, record: ClassifierRecord
) -> None:
    """Record a classifier."""
    row = number, record.model_dump_json()
    db.execute("INSERT INTO classifier VALUES (?, ?, ?)", (*row, row_sha256(*row)))


def write_assigned(
    db: sqlite3.Connection, label_set: int, assigned: Mapping[int, Assigned | None]
) -> None:
    """Set the class of cells of a label set; None removes it."""
    db.executemany(
        "DELETE FROM classified WHERE label_set = ? AND id = ?",
        [(label_set, cell) for cell in assigned],
    )
    rows = [
        (label_set, cell, one.number, _stored(one.probability), one.classifier)
        for cell, one in assigned.items()
        if one is not None
    ]
    db.executemany(
        "INSERT INTO classified VALUES (?, ?, ?, ?, ?, ?)",
        [(*row, row_sha256(*row)) for row in rows],
    )


def read_classes(db: sqlite3.Connection) -> StoredClasses:
    """Return all that is stored of classes; raises `ProjectDamaged`."""
    with reading("the classes of cells"):
        assigned: dict[int, dict[int, Assigned]] = {}
        for *row, sha256 in db.execute("SELECT * FROM classified"):
            check(sha256, row_sha256(*row))
            label_set, cell, number, parts, classifier = row
            assigned.setdefault(label_set, {})[cell] = Assigned(
                number=number,
                probability=None if parts is None else parts / _PARTS,
                classifier=classifier,
            )
        return StoredClasses(
            classes=tuple(
                _class(*row) for row in db.execute("SELECT * FROM cell_class")
            ),
            assigned=assigned,
            classifiers=dict(
                _classifier(*row)
                for row in db.execute("SELECT * FROM classifier ORDER BY id")
            ),
        )


def assigned_values(one: Assigned | None) -> list[Any] | None:
    """Return the class of a cell as plain values, for the journal."""
    return None if one is None else [one.number, one.probability, one.classifier]


def assigned_of(values: list[Any] | None) -> Assigned | None:
    """Return the class of a cell from plain values.

    Raises
    ------
    TypeError, ValueError
        If they are others.
    """
    if values is None:
        return None
    number, probability, classifier = values
    return Assigned(
        number=int(number),
        probability=None if probability is None else float(probability),
        classifier=None if classifier is None else int(classifier),
    )


def _stored(probability: float | None) -> int | None:
    return None if probability is None else round(probability * _PARTS)


def _class(
    number: int, name: str, colour: str, key: int, removed: int, sha256: bytes
) -> CellClass:
    check(sha256, row_sha256(number, name, colour, key, removed))
    return CellClass(
        id=number, name=name, colour=colour, key=key, removed=bool(removed)
    )


def _classifier(
    number: int, record: str, sha256: bytes
) -> tuple[int, ClassifierRecord]:
    check(sha256, row_sha256(number, record))
    return number, ClassifierRecord.model_validate_json(record)

"""Files about the classes of cells in an RO-Crate."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.class_work import ClassWork

CLASSES = "cell-classes.csv"
CLASSIFIER = "classifier"

_COLUMNS = ("label", "cell", "class", "class_by", "class_probability")


def write_classes(folder: Path, work: ClassWork, labels: Labels) -> None:
    """Write a table of all cells with their classes, and the classifiers as JSON.

    Raises
    ------
    OSError
    """
    ids = np.unique(labels)
    names = {one.id: one.name for one in work.classes}
    with (folder / CLASSES).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(_COLUMNS)
        # Masks in the crate are numbered 1, 2, 3 …
        for label, cell in enumerate(ids[ids > 0].tolist(), start=1):
            one = work.assigned.get(cell)
            told = ("", "", "") if one is None else (names[one.number], *_by(one))
            rows.writerow((label, cell, *told))
    for name, text in _records(work):
        (folder / name).write_text(text, encoding="utf-8")


def _by(one: Assigned) -> tuple[str, float | str]:
    """Return who says it, and the probability; "" for what was said by hand."""
    by = "hand" if one.by_hand else "classifier"
    return by, "" if one.probability is None else one.probability


def _records(work: ClassWork) -> Iterator[tuple[str, str]]:
    for number, record in work.classifiers.items():
        yield f"{CLASSIFIER}-{number}.json", f"{record.model_dump_json(indent=2)}\n"

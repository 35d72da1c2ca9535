"""Files about the classes of cells in an RO-Crate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.provenance.classes.class_work import ClassWork
from cellpose_studio.io.tables.csv_table import CsvTable
from cellpose_studio.io.tables.table import TableColumn

CLASSES = "cell-classes.csv"
CLASSIFIER = "classifier"

_COLUMNS = (
    TableColumn(name="label", kind="whole", text="Number of the cell in the masks."),
    TableColumn(name="cell", kind="whole", text="Id of the cell in the project."),
    TableColumn(name="class", kind="text", text="Its class; empty without one."),
    TableColumn(name="class_by", kind="text", text="hand or classifier."),
    TableColumn(name="class_probability", kind="number", text="Of the classifier."),
)


def write_classes(folder: Path, work: ClassWork, labels: Labels) -> None:
    """Write a table of all cells with their classes, and the classifiers as JSON.

    Raises
    ------
    OSError
    """
    ids = np.unique(labels)
    ids = ids[ids > 0]
    names = {one.id: one.name for one in work.classes}
    known = [work.assigned.get(cell) for cell in ids.tolist()]
    part: dict[str, npt.NDArray[Any]] = {
        # Masks in the crate are numbered 1, 2, 3 …
        "label": np.arange(len(ids)) + 1,
        "cell": ids,
        "class": np.array([names[o.number] if o else "" for o in known], str),
        "class_by": np.array([_by(o.by_hand) if o else "" for o in known], str),
        "class_probability": np.array(
            [
                np.nan if o is None or o.probability is None else o.probability
                for o in known
            ],
            np.float64,
        ),
    }
    table = CsvTable(folder / CLASSES, _COLUMNS)
    try:
        table.add(part, len(ids))
    finally:
        table.close()
    for name, text in _records(work):
        (folder / name).write_text(text, encoding="utf-8")


def _by(hand: bool) -> str:
    return "hand" if hand else "classifier"


def _records(work: ClassWork) -> Iterator[tuple[str, str]]:
    for number, record in work.classifiers.items():
        yield f"{CLASSIFIER}-{number}.json", f"{record.model_dump_json(indent=2)}\n"

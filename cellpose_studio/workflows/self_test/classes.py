"""Whether a classifier of cells can be trained, and is right where that is easy."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.workflows.measure.classify import ClassedImage, train_classifier
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

_CLASSES = (
    CellClass(id=1, name="small", colour="#e69f00"),
    CellClass(id=2, name="large", colour="#56b4e9"),
)
_SIDES, _EACH, _STEP = (4, 8), 6, 10


def check_classes(_: Place) -> Found:
    """Class squares of two sizes, of which every second one was classed by hand."""
    labels = np.zeros((2 * _STEP, _EACH * _STEP), np.uint32)
    of_cells = {}
    for row, side in enumerate(_SIDES):
        for n in range(_EACH):
            cell = row * _EACH + n + 1
            y, x = row * _STEP, n * _STEP
            labels[y : y + side, x : x + side] = cell
            of_cells[cell] = _CLASSES[row].id
    table = measure_cells(labels, [])
    by_hand = {cell: Assigned(number=of_cells[cell]) for cell in list(of_cells)[::2]}
    image = ClassedImage(name="squares", table=table, assigned=by_hand)
    classifier = train_classifier([image], _CLASSES, Checkpoint())
    found = classifier.classify(table, image.name, 1)
    wrong = [cell for cell, one in found.items() if one.number != of_cells[cell]]
    if wrong or len(found) != len(of_cells):
        raise CheckFailed(f"Cells were put into wrong classes: {wrong}.")
    return Found(f"{len(found)} cells classed as {len(by_hand)} of them were by hand")

"""Which cells to look at first: what is known of each, and how uncertain it is.

Uncertainty has four parts, each from 0 to 1; a cell counts as uncertain from 0.5:

- *network*: one minus the score of `Confidence`, where the cell comes from flows
- *size*: how far the logarithm of the area lies from the median of the image, 0.5 at
  three standard deviations (by the median deviation, so that outliers do not widen it)
- *shape*: the same for roundness, if it lies below the median
- *border*: 0.05 for cells that the edge of the image may cut

Each adds to what the others leave: ``1 - (1 - a)(1 - b)…``. Where the network has
spoken, size and shape count a fifth, because it knows more than they do. On images with
true masks, these weights bring more wrong cells to the front than larger ones;
`tests/bench/uncertainty.py` measures it. Cells that a person drew, edited or accepted
are certain: their uncertainty is 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.review.cell_shapes import CellShapes, part_shapes
from cellpose_studio.core.runs.confidence import Confidence

_BORDER = 0.05
_BESIDE_NETWORK = 0.2
_LEAST_SPREAD = 0.05
"""Cells of all but one size would else be outliers at a pixel more or less."""
_UNCERTAIN_DEVIATIONS = 3.0
"""Standard deviations from which a cell counts as uncertain."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Review:
    """What is known of the cells of a label image.

    Attributes
    ----------
    shapes
        Size, roundness and place; its ids are those of the cells, ascending.
    flow_errors, probabilities
        (N,) as in `Confidence`; NaN where they are not known.
    uncertainties
        (N,) 0 to 1, as this module says.
    """

    shapes: CellShapes
    flow_errors: Values
    probabilities: Values
    uncertainties: Values

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.shapes)

    @property
    def ids(self) -> npt.NDArray[np.uint32]:
        """(N,) of the cells, ascending."""
        return self.shapes.ids

    def row(self, cell: int) -> int:
        """Return where a cell is in the arrays; -1 if there is none."""
        at = int(np.searchsorted(self.ids, cell))
        return at if at < len(self) and self.ids[at] == cell else -1

    def box(self, row: int) -> tuple[slice, ...]:
        """Return the box that holds the cell of a row."""
        bounds = zip(self.shapes.low[row], self.shapes.high[row], strict=True)
        return tuple(slice(int(low), int(high)) for low, high in bounds)


def review_of(
    shapes: CellShapes,
    confidence: Confidence | None = None,
    decided: Collection[int] = (),
) -> Review:
    """Return what is known of the cells that were measured.

    Cells that are ``decided``, because a person drew or accepted them, are certain.
    """
    errors, probabilities, network = (np.full(len(shapes), np.nan) for _ in range(3))
    if confidence is not None and len(confidence.ids):
        at = np.searchsorted(confidence.ids, shapes.ids)
        # Ids above the highest known one would be out of bounds.
        at = np.minimum(at, len(confidence.ids) - 1)
        known = confidence.ids[at] == shapes.ids
        errors[known] = confidence.flow_errors[at[known]]
        probabilities[known] = confidence.probabilities[at[known]]
        network[known] = 1 - confidence.scores[at[known]]
    uncertainties = _uncertainties(shapes, network)
    uncertainties[np.isin(shapes.ids, np.array([*decided], np.uint32))] = 0
    return Review(shapes, errors, probabilities, uncertainties)


def measured_again(
    review: Review,
    labels: Labels | Snapshot,
    boxes: Mapping[int, tuple[slice, ...]],
    confidence: Confidence | None = None,
    decided: Collection[int] = (),
    in_time: bool = False,
) -> Review:
    """Return a review with some cells measured anew, each within its box.

    Those that are in no pixel of it are gone. ``in_time`` as of `cell_shapes`.
    """
    cells = np.array(sorted(boxes), np.uint32)
    kept = ~np.isin(review.ids, cells)
    parts = [part_shapes(labels, cell, box, in_time) for cell, box in boxes.items()]
    joined = {}
    for name, values in vars(review.shapes).items():
        found = [getattr(part, name) for part in parts]
        joined[name] = np.concatenate([values[kept], *found])
    # `Review.row` searches the ids, which have to ascend.
    order = np.argsort(joined["ids"])
    shapes = CellShapes(**{name: values[order] for name, values in joined.items()})
    return review_of(shapes, confidence, decided)


def _uncertainties(shapes: CellShapes, network: Values) -> Values:
    # In logarithms, half the area is as unusual as twice the area.
    size = _outlying(np.abs(_deviations(np.log(shapes.sizes))))
    shape = _outlying(-_deviations(np.log(shapes.roundness)))
    weight = np.where(np.isnan(network), 1.0, _BESIDE_NETWORK)
    sure = (1 - np.nan_to_num(network)) * (1 - weight * size) * (1 - weight * shape)
    return 1 - sure * np.where(shapes.at_border, 1 - _BORDER, 1.0)


def _deviations(values: Values) -> Values:
    """Return how many standard deviations ``values`` lie above their median."""
    if not len(values):
        return values
    off = values - np.median(values)
    # This factor turns the median deviation of a normal distribution into its standard
    # deviation.
    spread = 1.4826 * float(np.median(np.abs(off)))
    return off / max(spread, _LEAST_SPREAD)


def _outlying(deviations: Values) -> Values:
    return np.clip(deviations / (2 * _UNCERTAIN_DEVIATIONS), 0, 1)

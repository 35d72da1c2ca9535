"""Colours of cells by a value, such as their area, and what a legend says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.label_picture import COLOURS, LabelPicture
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass

UNKNOWN_RANK = COLOURS
"""The colour of cells whose value is not known."""

_STEPS = COLOURS - 1
_GREY = 0.5
_HIGHEST = 1 << 24
"""Ids above are not coloured; a table of them would be too large."""
_OUTER = (1.0, 99.0)
"""Percentiles that the ends of the scale stand for: a single odd cell would leave the
others in one colour."""

# The colours of viridis by van der Walt and Smith (CC0), at equal distances.
_VIRIDIS = (
    (0.267, 0.005, 0.329),
    (0.279, 0.175, 0.483),
    (0.230, 0.322, 0.546),
    (0.173, 0.449, 0.558),
    (0.128, 0.567, 0.551),
    (0.158, 0.684, 0.502),
    (0.369, 0.789, 0.383),
    (0.678, 0.864, 0.190),
    (0.993, 0.906, 0.144),
)

Palette = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class CellColours:
    """What the colours of cells tell.

    Attributes
    ----------
    ranks
        By id the colour, 1 to `COLOURS`; 0 for the background.
    palette
        RGB (`COLOURS`, 3), 0 to 1.
    title
        What it is: "Area, µm²".
    ends
        What the first and the last colour of a scale stand for.
    classes
        Names with the index of their colour, instead of a scale.
    """

    ranks: LabelPicture
    palette: Palette
    title: str
    ends: tuple[str, str] = ("", "")
    classes: tuple[tuple[str, int], ...] = ()

    @property
    def scale(self) -> Palette | None:
        """The colours from one end of the scale to the other; None without ends."""
        # The last colour is that of cells without a value.
        return self.palette[:-1] if any(self.ends) else None

    @property
    def outlines(self) -> Palette:
        """RGB (`COLOURS`, 3) of the outlines: white around cells without a value.

        Grey alone would not be seen on the image of a single channel.
        """
        outlines = self.palette.copy()
        outlines[UNKNOWN_RANK - 1] = 1
        return outlines


def value_palette() -> Palette:
    """Return RGB (`COLOURS`, 3) of values from low to high, and grey for unknown ones.

    Viridis: its brightness rises evenly, so colour-blind readers see the order, too.
    """
    anchors = np.array(_VIRIDIS)
    at = np.linspace(0, len(anchors) - 1, _STEPS)
    channels = [np.interp(at, range(len(anchors)), anchors[:, n]) for n in range(3)]
    scale = np.stack(channels, axis=1)
    return np.concatenate([scale, np.full((1, 3), _GREY)]).astype(np.float32)


def value_limits(values: Values) -> tuple[float, float]:
    """Return the values of the first and the last colour; NaN if none is finite.

    They are the 1st and the 99th percentile.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.nan, np.nan
    low, high = np.percentile(finite, _OUTER)
    return float(low), float(high)


def value_ranks(
    ids: npt.NDArray[np.integer], values: Values, limits: tuple[float, float]
) -> LabelPicture:
    """Return the colours of ids by their values.

    Parameters
    ----------
    ids, values
        (N,) cells and their values, NaN where one is not known.
    limits
        Values of the first and the last colour; those beyond have these colours.
    """
    low, high = limits
    # Cells of one value only are in the middle of the scale.
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    known = np.isfinite(values)
    steps = np.clip(np.nan_to_num(share), 0, 1) * (_STEPS - 1)
    found = np.where(known, 1 + np.round(steps), UNKNOWN_RANK).astype(np.uint8)
    return ranks_by_id(ids, found)


def class_cell_colours(
    assigned: Mapping[int, Assigned], classes: Sequence[CellClass], title: str
) -> CellColours:
    """Return the colours of cells by their class; those without one are grey.

    Parameters
    ----------
    assigned
        By id of the cell.
    classes
        In the order of the legend.
    """
    shown = classes[:_STEPS]
    palette = np.full((COLOURS, 3), _GREY, np.float32)
    for n, one in enumerate(shown):
        palette[n] = [int(one.colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    ranks = {one.id: n + 1 for n, one in enumerate(shown)}
    known = {
        cell: ranks[one.number] for cell, one in assigned.items() if one.number in ranks
    }
    return CellColours(
        ranks=ranks_by_id(
            np.fromiter(known, np.int64, len(known)),
            np.fromiter(known.values(), np.uint8, len(known)),
        ),
        palette=palette,
        title=title,
        classes=tuple((_legend(one), ranks[one.id]) for one in shown),
    )


def _legend(one: CellClass) -> str:
    return f"{one.key}  {one.name}" if one.key else one.name


def ranks_by_id(
    ids: npt.NDArray[np.integer], ranks: npt.NDArray[np.uint8]
) -> LabelPicture:
    """Return a table of ranks by id; ids without a rank are of an unknown value."""
    low = ids < _HIGHEST
    table = np.full(int(ids[low].max(initial=0)) + 1, UNKNOWN_RANK, np.uint8)
    table[0] = 0
    table[ids[low]] = ranks[low]
    return table


def class_colours() -> Palette:
    """Return RGB (8, 3), 0 to 1, of groups of cells.

    Those of Okabe and Ito, which colour-blind readers can tell apart, with grey in
    place of black, which would not be seen on dark images.
    """
    return np.array(
        [
            (0.90, 0.62, 0.00),
            (0.34, 0.71, 0.91),
            (0.00, 0.62, 0.45),
            (0.94, 0.89, 0.26),
            (0.00, 0.45, 0.70),
            (0.84, 0.37, 0.00),
            (0.80, 0.47, 0.65),
            (0.60, 0.60, 0.60),
        ],
        np.float32,
    )

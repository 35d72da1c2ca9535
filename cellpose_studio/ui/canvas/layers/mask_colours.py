"""The colours of masks on the canvas."""

from __future__ import annotations

from typing import Any, NamedTuple

from cellpose_studio.core.display.cell_colours import CellColours
from cellpose_studio.core.display.label_picture import (
    colour_table,
    palette,
    uncertainty_palette,
)

_VEIL = 0.35
_SCALE = 1.5  # stronger, so that the colours of a scale can be distinguished


class Look(NamedTuple):
    """How masks are shown, whatever their colours tell.

    Attributes
    ----------
    filled, outlined
        Whether cells are filled, and whether they are outlined.
    opacity
        Of the fill, 0 to 1; a 3D rendering has its own.
    in_3d
        Whether cells are surfaces in a 3D rendering.
    """

    filled: bool
    outlined: bool
    opacity: float
    in_3d: bool


def mask_colours(
    look: Look, known: CellColours | None = None, by_uncertainty: bool = False
) -> Any:
    """Return the colour map of masks for napari.

    Parameters
    ----------
    known
        The colours by what was measured, if the cells have these.
    by_uncertainty
        Whether they have those of their uncertainty else, not each its own.
    """
    from napari.utils.colormaps import CyclicLabelColormap

    strength = look.opacity * (_SCALE if known or by_uncertainty else 1)
    fill = min(strength, 1.0) if look.filled else 0.0
    outline = 1.0 if look.outlined else fill
    if look.in_3d:
        # In 3D only the surface of a cell is visible: opaque, or as a veil.
        fill = outline = 1.0 if look.filled else _VEIL * look.outlined
    colours = uncertainty_palette() if by_uncertainty else palette()
    table = colour_table(
        known.palette if known else colours,
        fill=fill,
        outline=outline,
        outlines=known.outlines if known and look.outlined else None,
    )
    return CyclicLabelColormap(colors=table)

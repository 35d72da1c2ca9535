"""What is measured of nuclei and cells together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.measure.scale import Scale

Part = Literal["nucleus", "cytoplasm", "ring"]
PARTS: tuple[Part, ...] = get_args(Part)
"""Compartments of a cell, in the order of their columns."""

Unit = Literal["px", "um"]
UNITS: dict[Unit, str] = {"px": "px", "um": "µm"}
"""Units of the width of the ring, as they are written."""

COMPARTMENTS_STATE = "compartments"
"""Name of what a project stores of them."""

LEAST_SHARE = 0.5
RING_WIDTH = 5.0


class CompartmentsUnfit(StudioError):
    """Nuclei and cells of an image cannot be measured together."""


@dataclass(frozen=True, kw_only=True)
class CompartmentChoice:
    """Which compartments of cells are measured, and how they are found.

    Attributes
    ----------
    cells, nuclei
        Names of the label sets; "" for the cells: whichever masks are measured.
    parts
        Which compartments get columns.
    ring, unit
        Width of the ring around the nucleus.
    least
        Share of the pixels of a nucleus that have to lie in its cell, above 0 to 1.
    """

    cells: str = ""
    nuclei: str
    parts: tuple[Part, ...] = ("nucleus", "cytoplasm")
    ring: float = RING_WIDTH
    unit: Unit = "px"
    least: float = LEAST_SHARE

    def texts(self) -> dict[Part, str]:
        """Return what each compartment is, for the dictionary of columns."""
        where = f"a nucleus is in the cell with most of its pixels, {self.least:.0%} "
        outside = f"outside all nuclei of the masks “{self.nuclei}”"
        return {
            "nucleus": f"all nuclei of the masks “{self.nuclei}” that are in the cell; "
            f"{where}of them at least",
            "cytoplasm": f"the pixels of the cell {outside}",
            "ring": f"the pixels of the cell {outside}, up to {self.ring:g} "
            f"{UNITS[self.unit]} from a nucleus of the cell",
        }

    def ring_px(self, scale: Scale) -> float:
        """Return the width of the ring in heights of a pixel.

        Raises
        ------
        CompartmentsUnfit
            If it is in µm, and the size of a pixel is not known.
        """
        if self.unit == "px":
            return self.ring
        if scale.um is None:
            raise CompartmentsUnfit(
                f"A ring of {self.ring:g} µm cannot be measured: the size of a pixel "
                "is not known.",
                "Give the width in px, or the size of a pixel.",
            )
        return self.ring / scale.um

    def as_json(self) -> dict[str, Any]:
        """Return it as a project stores it."""
        return {
            "cells": self.cells,
            "nuclei": self.nuclei,
            "parts": [*self.parts],
            "ring": self.ring,
            "unit": self.unit,
            "least": self.least,
        }


def choice_from(state: Mapping[str, Any]) -> CompartmentChoice | None:
    """Return what a project has stored; None for none, or what is no such choice."""
    cells, nuclei = state.get("cells", ""), state.get("nuclei", "")
    ring, least = state.get("ring", RING_WIDTH), state.get("least", LEAST_SHARE)
    unit, parts = state.get("unit", "px"), state.get("parts", [])
    fits = (
        all(isinstance(name, str) for name in (cells, nuclei))
        and nuclei
        and all(isinstance(one, int | float) for one in (ring, least))
        and 0 < ring < math.inf
        and 0 < least <= 1
        and unit in UNITS
        and isinstance(parts, list)
    )
    if not fits:
        return None
    return CompartmentChoice(
        cells=cells,
        nuclei=nuclei,
        parts=tuple(part for part in PARTS if part in parts),
        ring=float(ring),
        unit=unit,
        least=float(least),
    )

"""Conversion of lengths in metadata to µm."""

from __future__ import annotations

import math

_MICROMETRES = {
    "pm": 1e-6,
    "picometer": 1e-6,
    "å": 1e-4,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometre": 1e-3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "millimetre": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "centimetre": 1e4,
    "m": 1e6,
    "meter": 1e6,
    "metre": 1e6,
    "in": 25400.0,
    "inch": 25400.0,
}


def to_um(value: object, unit: str) -> float | None:
    """Return a length in µm; None unless it is positive and has a unit of length.

    Supports the symbols of OME-XML, the names of OME-Zarr, and the spelling of ImageJ,
    which writes µ as the six characters of its Unicode escape.
    """
    try:
        length = float(str(value))
    except ValueError:
        return None
    name = unit.strip().lower().replace("\\u00b5", "µ").replace("μ", "µ")
    length *= _MICROMETRES.get(name, math.nan)
    return length if math.isfinite(length) and length > 0 else None

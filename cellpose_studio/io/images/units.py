"""Conversion of lengths in metadata to µm, and of times to seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

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
    "inches": 25400.0,
}

_SECONDS = {
    "ns": 1e-9,
    "nanosecond": 1e-9,
    "µs": 1e-6,
    "us": 1e-6,
    "usec": 1e-6,
    "microsecond": 1e-6,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}


def to_um(value: object, unit: str) -> float | None:
    """Return a length in µm; None unless it is positive and has a unit of length.

    Supports the symbols of OME-XML, the names of OME-Zarr, and the spelling of ImageJ,
    which writes µ as the six characters of its Unicode escape.
    """
    return _converted(value, unit, _MICROMETRES)


def to_seconds(value: object, unit: str) -> float | None:
    """Return a time in seconds; None unless it is positive and has a unit of time.

    Supports the symbols of OME-XML, the names of OME-Zarr, and those of ImageJ.
    """
    return _converted(value, unit, _SECONDS)


def interval_of(times: Sequence[float]) -> float | None:
    """Return the median time between time points; None if that is not positive.

    Parameters
    ----------
    times
        Of each time point, in any unit.
    """
    steps = [late - early for early, late in pairwise(times)]
    step = median(steps) if steps else math.nan
    return step if math.isfinite(step) and step > 0 else None


def step_ratio(z: object, y: object, z_unit: str, y_unit: str) -> float | None:
    """Return one length over another of the same unit, whatever that is.

    None where they are not known, or have other units. Both 1 without a unit is what
    programs write that know neither.
    """
    try:
        step, size = float(str(z)), float(str(y))
    except ValueError:
        return None
    known = step > 0 and size > 0 and math.isfinite(step / size)
    if not known or _name(z_unit) != _name(y_unit) or step == size == 1:
        return None
    return step / size


def _converted(value: object, unit: str, units: Mapping[str, float]) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    name = _name(unit)
    # An unknown unit makes the number nan, which is refused below.
    factor = units.get(name, units.get(name.removesuffix("s"), math.nan))
    if factor != 1:
        # 8e-7 m would be 0.7999999999999999 µm.
        number = float(f"{number * factor:.12g}")
    return number if math.isfinite(number) and number > 0 else None


def _name(unit: str) -> str:
    # Unicode has two characters that look like this: the micro sign and the Greek
    # letter mu.
    return unit.strip().lower().replace("\\u00b5", "µ").replace("μ", "µ")

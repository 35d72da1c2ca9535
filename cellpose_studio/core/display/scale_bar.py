"""Length and text of a scale bar."""

from __future__ import annotations

import math

SHARE = 0.25
"""Largest part of the width of an image that an automatic bar takes."""

_ROUND = (1, 2, 5)


def bar_length(span: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20 … within `SHARE` of ``span``.

    Raises
    ------
    ValueError
        If ``span`` is not a positive number.
    """
    if not (math.isfinite(span) and span > 0):
        raise ValueError("the width of a picture is a positive number")
    most = span * SHARE
    power = math.floor(math.log10(most))
    # Rounding may put the logarithm on the wrong side of a power of ten, so the
    # powers on both sides are tried.
    lengths = [n * 10.0**p for p in range(power - 1, power + 2) for n in _ROUND]
    # Rounding must not exclude a length that fits exactly.
    return max(length for length in lengths if length <= most * (1 + 1e-9))


def bar_text(length: float, unit: str) -> str:
    """Return "20 µm" for a length; long ones in mm, short ones in nm."""
    if unit == "µm" and length >= 1000:
        length, unit = length / 1000, "mm"
    elif unit == "µm" and length < 1:
        length, unit = length * 1000, "nm"
    return f"{length:.6g} {unit}"

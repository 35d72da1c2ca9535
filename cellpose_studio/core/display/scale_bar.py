"""How long a scale bar is, and what stands beside it."""

from __future__ import annotations

import math

SHARE = 0.25
"""Of the width of a picture, the most that a bar takes by itself."""

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
    # One power of ten to either side, because of what logarithms round.
    lengths = [n * 10.0**p for p in range(power - 1, power + 2) for n in _ROUND]
    return max(length for length in lengths if length <= most * (1 + 1e-9))


def bar_text(length: float, unit: str) -> str:
    """Return "20 µm" for a length; long ones in mm, short ones in nm."""
    if unit == "µm" and length >= 1000:
        length, unit = length / 1000, "mm"
    elif unit == "µm" and length < 1:
        length, unit = length * 1000, "nm"
    return f"{length:.6g} {unit}"

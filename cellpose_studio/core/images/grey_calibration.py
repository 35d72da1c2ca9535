"""What grey values stand for, where a file says it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GreyCalibration:
    """A straight line from grey values to what they stand for.

    Attributes
    ----------
    offset, slope
        A grey value g stands for offset + slope × g.
    unit
        Of the result; "" if it has no name.
    """

    offset: float = 0.0
    slope: float = 1.0
    unit: str = ""

    @property
    def changes(self) -> bool:
        """Whether values differ from grey values."""
        return (self.offset, self.slope) != (0.0, 1.0)

    @property
    def text(self) -> str:
        """What is done to grey values, as a sentence; "" if nothing is."""
        if not self.changes:
            return ""
        unit = f", in {self.unit}" if self.unit else ""
        return (
            f"Grey values were calibrated as the file says: {self.offset:g} + "
            f"{self.slope:g} × grey value{unit}."
        )

    def level(self, values: Values) -> Values:
        """Return calibrated values of a pixel, or of a mean."""
        return self.offset + self.slope * values if self.changes else values

    def spread(self, values: Values) -> Values:
        """Return calibrated differences, such as standard deviations."""
        return abs(self.slope) * values

    def total(self, values: Values, pixels: Values) -> Values:
        """Return calibrated sums over numbers of pixels."""
        return self.offset * pixels + self.slope * values if self.changes else values


RAW = GreyCalibration()
"""Of images whose grey values stand for nothing else."""

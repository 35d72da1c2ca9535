"""Many points of a plot that look alike."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg


class PlainPoints(pg.ScatterPlotItem):
    """Points of one size and colour.

    pyqtgraph looks up the picture of each point by itself, which takes tens of
    milliseconds for 10,000 of them; here it is looked up once.
    """

    def updateSpots(self, dataSet: Any = None) -> None:  # noqa: N802, N803
        """Give all points the picture of the first; pyqtgraph calls this."""
        points = self.data if dataSet is None else dataSet
        if len(points):
            super().updateSpots(points[:1])
            points["sourceRect"] = points["sourceRect"][0]

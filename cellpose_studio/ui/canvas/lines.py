"""Lines over the image: what is being drawn, and what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_ON_TOP = 1_000_000
_WIDTH = 2


class Lines:
    """Lines under a name each, drawn over all layers without being one.

    Parameters
    ----------
    widget
        napari's viewer.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._shown: dict[str, Any] = {}

    def show(
        self,
        name: str,
        paths: Sequence[npt.NDArray[np.floating]],
        scale: Sequence[float],
        colour: str,
    ) -> None:
        """Show open paths, (N, 2) each, Y and X in pixels; none hides the line."""
        line = self._shown.get(name)
        if not paths:
            if line is not None:
                line.visible = False
            return
        if line is None:
            line = self._shown[name] = self._made(colour)
        points = np.concatenate(paths)[:, ::-1] * np.array(scale[-2:])[::-1]
        ends = np.cumsum([len(path) for path in paths]) - 1
        connected = np.ones(len(points), bool)
        connected[ends] = False
        line.set_data(pos=points.astype(np.float32), connect=connected)
        line.visible = True

    def clear(self) -> None:
        """Hide all lines."""
        for line in self._shown.values():
            line.visible = False

    def _made(self, colour: str) -> Any:
        from vispy.scene.visuals import Line

        scene = self._widget.canvas.view.scene  # PRIVATE
        line = Line(color=colour, width=_WIDTH, parent=scene, method="gl")
        line.order = _ON_TOP
        line.set_gl_state("translucent", depth_test=False)
        return line

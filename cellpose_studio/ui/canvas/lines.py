"""Named lines over the image: strokes in progress, and the chosen cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_ON_TOP = 1_000_000
_WIDTH = 2


class Lines:
    """Lines with names, which vispy draws over all layers; none is a napari layer.

    Parameters
    ----------
    scene
        vispy's parent node of the layers.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._shown: dict[str, Any] = {}
        self._drawn: set[str] = set()
        self._hidden = False

    def show(
        self,
        name: str,
        paths: Sequence[npt.NDArray[np.floating]],
        scale: Sequence[float],
        colour: str,
    ) -> None:
        """Show open paths, (N, 2) each, Y and X in pixels; no paths hide the line."""
        line = self._shown.get(name)
        if not paths:
            self._drawn.discard(name)
            if line is not None:
                line.visible = False
            return
        if line is None:
            line = self._shown[name] = self._create_line(colour)
        # One visual draws all paths: the end of a path is not connected to the next.
        points = np.concatenate(paths)[:, ::-1] * np.array(scale[-2:])[::-1]
        ends = np.cumsum([len(path) for path in paths]) - 1
        connected = np.ones(len(points), bool)
        connected[ends] = False
        line.set_data(pos=points.astype(np.float32), connect=connected)
        self._drawn.add(name)
        # Assigning an equal value would make vispy draw again.
        if line.visible == self._hidden:
            line.visible = not self._hidden

    def clear(self) -> None:
        """Hide and forget the paths of all lines."""
        self._drawn.clear()
        for line in self._shown.values():
            line.visible = False

    def hide(self, hidden: bool) -> None:
        """Hide all lines, including those shown later, or show them again."""
        self._hidden = hidden
        for name, line in self._shown.items():
            line.visible = name in self._drawn and not hidden

    def visible(self) -> dict[str, bool]:
        """Return whether each line is visible, by name."""
        return {name: bool(line.visible) for name, line in self._shown.items()}

    def _create_line(self, colour: str) -> Any:
        from vispy.scene.visuals import Line

        line = Line(color=colour, width=_WIDTH, parent=self._scene, method="gl")
        line.order = _ON_TOP
        # Without the depth test, no layer hides the line.
        line.set_gl_state("translucent", depth_test=False)
        return line

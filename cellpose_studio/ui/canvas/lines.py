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
    scene
        vispy's node that the layers are in.
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
        """Show open paths, (N, 2) each, Y and X in pixels; none hides the line."""
        line = self._shown.get(name)
        if not paths:
            self._drawn.discard(name)
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
        self._drawn.add(name)
        line.visible = not self._hidden

    def clear(self) -> None:
        """Take all lines away."""
        self._drawn.clear()
        for line in self._shown.values():
            line.visible = False

    def hide(self, hidden: bool) -> None:
        """Keep all lines, those to come too, out of sight, or show them again."""
        self._hidden = hidden
        for name, line in self._shown.items():
            line.visible = name in self._drawn and not hidden

    def visible(self) -> dict[str, bool]:
        """Return the names of the lines there are, and whether they can be seen."""
        return {name: bool(line.visible) for name, line in self._shown.items()}

    def _made(self, colour: str) -> Any:
        from vispy.scene.visuals import Line

        line = Line(color=colour, width=_WIDTH, parent=self._scene, method="gl")
        line.order = _ON_TOP
        line.set_gl_state("translucent", depth_test=False)
        return line

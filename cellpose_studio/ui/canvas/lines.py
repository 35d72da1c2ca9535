"""Named lines over the image: strokes in progress, and the chosen cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_ON_TOP = 1_000_000
_WIDTH = 2

Path = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class JoinedPaths:
    """Paths that one visual draws; false without any.

    Attributes
    ----------
    points
        (N, 2), Y and X in pixels, of one path after the other.
    connected
        (N,) whether a line leads to the next point; not from the end of a path.
    """

    points: Path
    connected: npt.NDArray[np.bool_]

    def __bool__(self) -> bool:
        """Return whether there is anything to draw."""
        return len(self.points) > 0


def join_paths(paths: Sequence[Path]) -> JoinedPaths:
    """Join open paths, (N, 2) each; in a job where there are thousands."""
    if not paths:
        return JoinedPaths(np.zeros((0, 2)), np.zeros(0, bool))
    connected = np.ones(sum(map(len, paths)), bool)
    connected[np.cumsum([len(path) for path in paths]) - 1] = False
    return JoinedPaths(np.concatenate(paths), connected)


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
        self._meanings: dict[str, tuple[str, str]] = {}

    def show(
        self,
        name: str,
        paths: Sequence[Path] | JoinedPaths,
        scale: Sequence[float],
        colour: str,
        meaning: str = "",
    ) -> None:
        """Show open paths, (N, 2) each, Y and X in pixels; no paths hide the line."""
        if meaning:
            self._meanings[name] = meaning, colour
        joined = paths if isinstance(paths, JoinedPaths) else join_paths(paths)
        line = self._shown.get(name)
        if not joined:
            self._drawn.discard(name)
            if line is not None:
                line.visible = False
            return
        if line is None:
            line = self.create(name, colour)
        points = joined.points[:, ::-1] * np.array(scale[-2:])[::-1]
        line.set_data(pos=points.astype(np.float32), connect=joined.connected)
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

    def meanings(self) -> list[tuple[str, str]]:
        """Return what visible lines mean, where that was said, with their colours."""
        return [
            meaning
            for name, meaning in self._meanings.items()
            if name in self._drawn and not self._hidden
        ]

    def create(self, name: str, colour: str) -> Any:
        """Create a line that is not visible yet, unless it exists; return it."""
        from vispy.scene.visuals import Line

        if name in self._shown:
            return self._shown[name]
        line = Line(color=colour, width=_WIDTH, parent=self._scene, method="gl")
        line.order = _ON_TOP
        # Without the depth test, no layer hides the line.
        line.set_gl_state("translucent", depth_test=False)
        line.visible = False
        self._shown[name] = line
        return line

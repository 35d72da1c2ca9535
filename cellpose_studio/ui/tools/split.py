"""Split a cell by a line, or from two seeds."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.pick import cells_on_line
from cellpose_studio.core.edits.split import split_by_line, split_by_seeds
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import Path
from cellpose_studio.ui.tools.gestures import USE
from cellpose_studio.ui.tools.tool import LineTool, Point

_CROSS = 3.0  # half the width of the marker of a seed, px of the image
_SLOWNESS = 10  # time per pixel, relative to growing


class SplitTool(LineTool):
    """Cuts cells along a drag, or splits one around two double clicks."""

    _plane: tuple[int, ...] = ()
    _seed: tuple[int, tuple[int, ...]] | None = None

    def press(self, event: MouseEvent) -> bool:
        """Begin a line."""
        if not self.context.starts(USE, event) or self.context.labels is None:
            return False
        plane = self.context.plane_at(event)
        if plane is None:
            return False
        self._points, self._plane = [event.point], plane
        return True

    def release(self, _: MouseEvent, moved: bool) -> None:
        """Cut along the line."""
        points, self._points = self._points, None
        labels = self.context.labels
        if not moved or points is None or labels is None:
            return
        self.context.draw()
        self._cut(np.array(points))

    def double_click(self, event: MouseEvent) -> None:
        """Place a seed in a cell; the second one splits it."""
        cell, labels = self.context.cell_at(event), self.context.labels
        if labels is None:
            return
        if cell == 0:
            self._seed = None
        elif self._seed is None or not self._belongs(cell, event.pixel):
            self._seed = cell, event.pixel
            self.context.draw(*_cross(event.point))
        else:
            seeds = np.array([self._seed[1], event.pixel], float)
            self.cancel()
            self._split(cell, seeds)

    def _cut(self, line: Path) -> None:
        """Cut all cells that a line crosses, as one undo step."""
        labels, image = self.context.labels, self.context.image
        assert labels is not None
        assert image is not None
        # A stroke combines the cuts of several cells into one undo step.
        stroke = self.context.session.begin_stroke(image, "Split cell")
        for cell in cells_on_line(labels, line, self._plane):
            stroke.add(
                split_by_line(labels, self.context.table, cell, line, self._plane)
            )
        self.context.session.end_stroke()

    def _belongs(self, cell: int, pixel: tuple[int, ...]) -> bool:
        """Return whether a seed is in the same cell and volume as the first one."""
        assert self._seed is not None
        first, seed = self._seed
        volumes = {self.context.volume_of(index[:-2]) for index in (seed, pixel)}
        return first == cell and len(volumes) == 1

    def _split(self, cell: int, seeds: Path) -> None:
        """Split a cell from seeds; in a stack, through all planes."""
        image = self.context.image
        assert image is not None
        at = self.context.volume_of(tuple(seeds[0, :-2].astype(int).tolist()))
        points, spacing = seeds[:, len(at) :], image.source.label_scale[len(at) :]
        self._edits.act(
            "Split cell",
            [cell],
            lambda labels, table, _, checkpoint: split_by_seeds(
                labels, table, cell, points, at, spacing=spacing, checkpoint=checkpoint
            ),
            _SLOWNESS * self._edits.cost([cell], at),
        )

    def cancel(self) -> bool:
        """Discard the line in progress, or the first seed."""
        active = self._seed is not None or self._points is not None
        self._seed = None
        self._discard()
        return active

    def deactivate(self) -> None:
        """Discard the line in progress, or the first seed."""
        self.cancel()


def _cross(point: Point) -> tuple[list[Point], list[Point]]:
    y, x = point
    return (
        [(y - _CROSS, x), (y + _CROSS, x)],
        [(y, x - _CROSS), (y, x + _CROSS)],
    )

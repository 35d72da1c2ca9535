"""Split a cell by a line, or from two seeds."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.pick import cells_on_line
from cellpose_studio.core.edits.split import split_by_line, split_by_seeds
from cellpose_studio.ui.canvas.mouse_event import LEFT, MouseEvent
from cellpose_studio.ui.tools.context import Path, ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.tool import Tool

Point = tuple[float, float]

_CROSS = 3.0  # half the width of the mark of a seed, px of the image
_SLOW = 10  # a pixel takes so much longer than one that is grown


class SplitTool(Tool):
    """A drag cuts the cells it crosses; two double clicks split one by a watershed."""

    _points: list[Point] | None = None
    _plane: tuple[int, ...] = ()
    _seed: tuple[int, tuple[int, ...]] | None = None

    def __init__(self, hand: ToolContext, edits: CellEdits) -> None:
        super().__init__(hand)
        self._edits = edits

    def press(self, pointer: MouseEvent) -> bool:
        """Begin a line."""
        if pointer.button != LEFT or self.hand.labels is None:
            return False
        plane = self.hand.plane_at(pointer)
        if plane is None:
            return False
        self._points, self._plane = [pointer.point], plane
        return True

    def drag(self, pointer: MouseEvent) -> None:
        """Follow the mouse."""
        if self._points is not None:
            self._points.append(pointer.point)
            self.hand.draw(self._points)

    def release(self, _: MouseEvent, moved: bool) -> None:
        """Cut along the line."""
        points, self._points = self._points, None
        labels = self.hand.labels
        if not moved or points is None or labels is None:
            return
        self.hand.draw()
        self._cut(np.array(points))

    def double_click(self, pointer: MouseEvent) -> None:
        """Put a seed into a cell; the second one splits it."""
        cell, labels = self.hand.cell_at(pointer), self.hand.labels
        if labels is None:
            return
        if cell == 0:
            self._seed = None
        elif self._seed is None or not self._belongs(cell, pointer.pixel):
            self._seed = cell, pointer.pixel
            self.hand.draw(*_cross(pointer.point))
        else:
            seeds = np.array([self._seed[1], pointer.pixel], float)
            self.leave()
            self._split(cell, seeds)

    def _cut(self, line: Path) -> None:
        """Cut all cells that a line crosses, as one step."""
        labels, image = self.hand.labels, self.hand.image
        assert labels is not None
        assert image is not None
        stroke = self.hand.session.begin_stroke(image, "Split cell")
        for cell in cells_on_line(labels, line, self._plane):
            stroke.add(split_by_line(labels, self.hand.table, cell, line, self._plane))
        self.hand.session.end_stroke()

    def _belongs(self, cell: int, pixel: tuple[int, ...]) -> bool:
        """Tell whether a seed is in the cell and the volume of the first one."""
        assert self._seed is not None
        first, place = self._seed
        volumes = {self.hand.volume_of(one[:-2]) for one in (place, pixel)}
        return first == cell and len(volumes) == 1

    def _split(self, cell: int, seeds: Path) -> None:
        """Split a cell around seeds; of a stack, through all its planes."""
        image = self.hand.image
        assert image is not None
        at = self.hand.volume_of(tuple(seeds[0, :-2].astype(int).tolist()))
        places, spacing = seeds[:, len(at) :], image.source.label_scale[len(at) :]
        self._edits.act(
            "Split cell",
            [cell],
            lambda labels, table, _, checkpoint: split_by_seeds(
                labels, table, cell, places, at, spacing=spacing, checkpoint=checkpoint
            ),
            _SLOW * self._edits.cost([cell], at),
        )

    def leave(self) -> bool:
        """Forget the first seed."""
        begun, self._seed = self._seed is not None, None
        self.hand.draw()
        return begun

    def put_away(self) -> None:
        """Leave nothing on the image."""
        self.leave()


def _cross(point: Point) -> tuple[list[Point], list[Point]]:
    y, x = point
    return (
        [(y - _CROSS, x), (y + _CROSS, x)],
        [(y, x - _CROSS), (y, x + _CROSS)],
    )

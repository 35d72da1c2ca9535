"""What tools act on: the masks shown, the chosen cell, and the canvas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.classes import put_into_class
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.edits.changes import cell_mask
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.core.provenance.revision import CellChanges
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.commands.gestures import Gestures
from cellpose_studio.ui.tools.gestures import USE

_BRIGHT = "#ffd400"
_DRAWN = "drawn"

Path = npt.NDArray[np.float64]


class NoClasses(StudioError):
    """Cells cannot be put into a class, because there is none."""


@dataclass
class Settings:
    """Settings that all tools share.

    Attributes
    ----------
    size
        Diameter of the brush, px.
    protect
        Whether edits spare the pixels of other cells.
    cell_class
        Id of the class that cells are put into; 0 for the first one.
    pressure
        Whether a pen draws with a smaller brush where it is pressed less.
    """

    size: int = 9
    protect: bool = True
    cell_class: int = 0
    pressure: bool = False


class ToolContext:
    """The active masks, the chosen cell and the canvas, for tools."""

    region_drawn = Signal(tuple, tuple)  # points (x, y) of a Region, plane of the masks
    crop_drawn = Signal(tuple, tuple)  # the same, for training
    unannotated_drawn = Signal(tuple, tuple)

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        selection: Selection,
        settings: Settings,
        gestures: Gestures,
    ) -> None:
        self.session = session
        self.canvas = canvas
        self.selection = selection
        self.settings = settings
        self.gestures = gestures

    @property
    def image(self) -> ProjectImage | None:
        """The image that is shown."""
        return self.session.shown

    @property
    def labels(self) -> Labels | None:
        """The active masks; None unless they are in memory."""
        image = self.session.shown
        if image is None or image.masks is None or not image.masks.pixels.loaded:
            return None
        return image.masks.array

    @property
    def table(self) -> CellTable:
        """Boxes and sizes of the cells of the active masks."""
        assert self.image is not None
        assert self.image.masks is not None
        return self.image.masks.pixels.cell_table()

    def starts(self, gesture: str, event: MouseEvent) -> bool:
        """Return whether what is pressed starts a gesture, by its name."""
        if event.erases:
            # Whatever the user has set for the mouse.
            return gesture == USE
        return self.gestures.matches(gesture, event.button, event.modifiers)

    def brush_size(self, event: MouseEvent) -> float:
        """Return the diameter of the brush there, px."""
        size = float(self.settings.size)
        if event.pressure is None or not self.settings.pressure:
            return size
        return max(size * event.pressure, 1.0)

    def cell_at(self, event: MouseEvent) -> int:
        """Return the cell under the mouse; 0 for none."""
        labels, pixel = self.labels, event.pixel
        if labels is None or not _inside(pixel, labels.shape):
            return 0
        return int(labels[pixel])

    def plane_at(self, event: MouseEvent) -> tuple[int, ...] | None:
        """Return the index of the plane under the mouse; None outside the image."""
        assert self.image is not None
        shape, lead = self.image.source.label_shape, event.pixel[:-2]
        return lead if _inside(lead, shape[:-2]) else None

    def volume_of(self, plane: tuple[int, ...]) -> tuple[int, ...]:
        """Return the index of a plane's stack; that of the plane itself without one."""
        assert self.image is not None
        return plane[:-1] if self.image.source.planes > 1 else plane

    def cell_to_continue(self, plane: tuple[int, ...]) -> int | None:
        """Return the chosen cell if it is in the plane's stack, but not in the plane.

        What is drawn there becomes part of it. None without such a cell.
        """
        labels, cell = self.labels, self.chosen
        volume = self.volume_of(plane)
        if labels is None or volume == plane or not self.table.size_of(cell):
            return None
        present = [
            bool(cell_mask(labels, self.table, cell, at)[1].any())
            for at in (volume, plane)
        ]
        return cell if present == [True, False] else None

    def make_masks(self, event: MouseEvent) -> None:
        """Create masks without cells if the image has none, to draw on."""
        image = self.image
        if image is None or image.masks is not None:
            return
        if _inside(event.pixel, image.source.label_shape):
            pixels = np.zeros(image.source.label_shape, np.uint32)
            labels = LabelSet(
                name=image.active,
                pixels=LabelImage(pixels),
                origin="drawn by hand",
                cells=0,
            )
            self.session.replace_masks(image, labels, "Begin masks", "edit")

    def edit(self, edit: LabelEdit, changes: CellChanges | None = None) -> None:
        """Apply an edit of the active masks, with changes of cells, as one step."""
        if self.image is not None and edit.parts:
            self.session.edit(self.image, edit, changes)

    @property
    def cell_class(self) -> CellClass | None:
        """The class that cells are put into; None if there are none."""
        classes = self.session.masks.classes
        chosen = classes.get(self.settings.cell_class)
        return chosen or next(iter(classes.present), None)

    def classify(self, cells: Iterable[int]) -> None:
        """Put cells into the class that is chosen.

        Raises
        ------
        NoClasses
        """
        if self.cell_class is None:
            raise NoClasses("There are no classes yet.", "Add one in the Measure tab.")
        if self.image is not None:
            put_into_class(self.session, self.image, cells, self.cell_class.id)

    @property
    def chosen(self) -> int:
        """The cell that is chosen, 0 for none."""
        return self.selection.cell

    @property
    def all_chosen(self) -> list[int]:
        """The cells that are chosen, one or several; empty without one."""
        return sorted(self.selection.several) or list(filter(None, [self.chosen]))

    def choose(self, cell: int) -> None:
        """Choose a cell; 0 chooses none."""
        self.selection.select(cell)

    def draw(self, *paths: Sequence[tuple[float, float]] | Path) -> None:
        """Show the lines of a shape in progress; no paths hide them."""
        shown = [np.array(path, float) for path in paths if len(path) > 1]
        self.canvas.show_line(_DRAWN, shown, _BRIGHT)


def _inside(index: Sequence[int], shape: Sequence[int]) -> bool:
    return all(0 <= n < size for n, size in zip(index, shape, strict=True))

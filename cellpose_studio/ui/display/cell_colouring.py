"""Colours the cells on the canvas by a measurement, or by their class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from qtpy.QtCore import QLocale, QObject, Signal

from cellpose_studio.app.background.table_measurer import TableMeasurer
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.display.cell_colours import (
    CellColours,
    class_cell_colours,
    value_limits,
    value_palette,
    value_ranks,
)
from cellpose_studio.core.measure.columns import Column
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.ui.canvas.canvas import Canvas

Limits = tuple[float, float]


class _OfMeasure(Protocol):
    """A column that says what it measures."""

    @property
    def key(self) -> str: ...

    @property
    def channel(self) -> int: ...


_C = TypeVar("_C", bound=_OfMeasure)


class Measure(NamedTuple):
    """A measurement that all images may have: its name, and the channel or -1."""

    name: str
    channel: int = -1

    @property
    def counterpart(self) -> Measure:
        """The size of cells in stacks for that in planes, and the other way round."""
        for one, other in (("area", "volume"), ("volume", "area")):
            if self.name.split("_")[-1] == one:
                return self._replace(name=self.name.removesuffix(one) + other)
        return self


CLASS = Measure("class")
"""The class of cells, which needs no measuring."""
NO_CLASSES = "Class: there are none yet"

NOT_YET = "not measured yet"
NOT_HERE = "not measured in this image"
OF_NO_CELL = "unknown for all cells"
"""Why no cell has a colour of the scale."""


class CellColouring(QObject):
    """Colours the cells shown, again whenever they are measured; off at first."""

    changed = Signal()

    def __init__(
        self, session: Session, canvas: Canvas, measurer: TableMeasurer
    ) -> None:
        super().__init__()
        self._session = session
        self._canvas = canvas
        self._measurer = measurer
        self._limits: Limits | None = None
        self.column = ""
        self._coloured = ""
        self.measure: Measure | None = None
        self.title = ""
        measurer.changed.connect(self._on_measured)
        session.masks_changed.connect(self._on_masks)
        session.classes_changed.connect(lambda image, *_: self._on_classes(image))
        session.class_list_changed.connect(lambda: self._on_classes(session.shown))
        session.project_changed.connect(self._on_project)
        # The values of a cell differ between the time points.
        canvas.plane_changed.connect(self._on_plane)

    def choose(
        self,
        measure: Measure | None,
        title: str = "",
        limits: Limits | None = None,
        column: str = "",
    ) -> None:
        """Colour the cells by a measurement; None for their own colours.

        Parameters
        ----------
        title
            What the user calls it.
        limits
            Values of the first and the last colour, where images are compared; those of
            the cells shown without.
        column
            The column that the limits are of. An image that has only the one in another
            unit is coloured by that, with limits of its own.
        """
        chosen = measure, title, limits, column
        if chosen == (self.measure, self.title, self._limits, self.column):
            return
        self.measure, self.title, self._limits, self.column = chosen
        self._measurer.set_active(measure not in (None, CLASS), "colours")
        self._recolour()
        self.changed.emit()

    def _on_measured(self, _: Measurements | None) -> None:
        if self.measure is not None:
            self._recolour()

    def _on_classes(self, image: ProjectImage | None) -> None:
        if self.measure == CLASS and image is self._session.shown:
            self._recolour()

    def _on_project(self) -> None:
        # Without classes, all cells would be grey, and hardly seen on a grey image.
        if self.measure == CLASS and not self._session.masks.classes.present:
            self.choose(None)

    def _on_masks(self, change: MasksChange) -> None:
        # The ids of other masks are those of other cells, which are grey until they are
        # measured.
        is_shown = change.image is self._session.shown and change.edit is None
        if self.measure is not None and is_shown:
            self._recolour()

    def _on_plane(self) -> None:
        table = self._measurer.table
        if self.measure is not None and table is not None and table.in_time:
            self._recolour()

    def _recolour(self) -> None:
        image, masks = self._session.shown, self._canvas.masks
        name = image.active if image is not None else ""
        if self._coloured not in ("", name):
            # Masks of that name in other images would have these colours.
            masks.colour_cells(self._coloured, None)
        self._coloured = name if self.measure is not None else ""
        if image is None:
            return
        colours = None if self.measure is None else self._colours()
        if colours is not None or masks.cell_colours is not None:
            masks.colour_cells(name, colours)

    def _colours(self) -> CellColours:
        """Return the colours of the cells; grey as long as they are not measured."""
        image = self._session.shown
        if self.measure == CLASS and image is not None:
            known = image.classes.get(image.active, {})
            classes = self._session.masks.classes.present
            title = self.title if classes else NO_CLASSES
            return class_cell_colours(known, classes, title)
        table = self._measurer.table
        column = _column(table, self.measure, self.column)
        if table is None:
            return _unknown(self.title, NOT_YET)
        if column is None:
            return _unknown(self.title, NOT_HERE)
        values = table.values[column.name]
        if not np.isfinite(values).any():
            return _unknown(column.heading, OF_NO_CELL)
        of_same = self._limits if column.name == self.column else None
        limits = of_same or value_limits(values)
        now = self._canvas.planes.get("T", 0) if table.in_time else 0
        here = table.times == now
        return CellColours(
            ranks=value_ranks(table.ids[here], values[here], limits),
            palette=value_palette(),
            title=column.heading,
            ends=(_end(limits[0]), _end(limits[1])),
        )


def columns_of(measure: Measure, columns: Iterable[_C]) -> list[_C]:
    """Return the columns of a measurement, in px and in µm.

    Planes have no volumes and stacks no areas: there, those of the counterpart.
    """
    known = [*columns]
    for wanted in (measure, measure.counterpart):
        found = [one for one in known if Measure(one.key, one.channel) == wanted]
        if found:
            return found
    return []


def _column(
    table: Measurements | None, measure: Measure | None, name: str
) -> Column | None:
    """Return the column of a measurement: that of a name, else one in µm."""
    if table is None or measure is None:
        return None
    found = columns_of(measure, table.columns)
    return max(found, key=lambda one: (one.name == name, one.in_um), default=None)


def _unknown(title: str, why: str) -> CellColours:
    """Return the colours of cells none of which has a value: all are grey."""
    return CellColours(
        ranks=np.zeros(1, np.uint8), palette=value_palette(), title=f"{title}: {why}"
    )


def _end(value: float) -> str:
    """Return an end of the scale in the notation of the user's language."""
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace(".", str(QLocale().decimalPoint()))

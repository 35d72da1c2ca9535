"""Provides the texts of cell labels: number, status or a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.background.cell_measurer import CellMeasurer
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.display.text_anchor import anchor_in
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.columns import COLUMNS, UNKNOWN, CellColumn
from cellpose_studio.core.review.queue import Review
from cellpose_studio.ui.display.cell_text.painting import CellText
from cellpose_studio.ui.widgets.cell_status import (
    STATUS_COLOURS,
    STATUS_WORDS,
)
from cellpose_studio.ui.widgets.units import pixel_area

_OFFERED = [column for column in COLUMNS.values() if column.choice]

KINDS: dict[str, str] = {
    "cell": COLUMNS["cell"].choice,
    "status": "&Status",
    # The columns that all masks have come first.
    **{c.name: c.choice for c in sorted(_OFFERED, key=lambda c: c.from_network)},
}
"""Kinds of cell labels: the names of columns of the review, with menu texts."""

_UNKNOWN = ("", UNKNOWN)
_PLAIN = "#ffffff"
_SHORT = {"pixels": "px", "voxels": "vx"}
_UNMEASURED = ("cell", "status")
"""Kinds that need no measurements."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CellTexts:
    """Snapshot of the texts of all cells; thread-safe.

    Attributes
    ----------
    kind
        One of `KINDS`.
    review
        Measurements of the cells; None before they are measured.
    statuses
        Review status by cell.
    area, unit
        Area of a pixel, and its unit.
    """

    kind: str
    review: Review | None = None
    statuses: Mapping[int, CellStatus] = field(default_factory=dict)
    area: float = 1.0
    unit: str = "pixels"

    def of(self, cell: int) -> tuple[str, str]:
        """Return the text of a cell and its colour; "" for none."""
        if self.kind == "cell":
            return str(cell), _PLAIN
        if self.kind == "status":
            status = self.statuses.get(cell)
            if status is None:
                return "", _PLAIN
            return STATUS_WORDS[status], STATUS_COLOURS[status]
        row = self.review.row(cell) if self.review is not None else -1
        if self.review is None or row < 0:
            return "", _PLAIN
        text = self._column.text(float(self._values[row]))
        if text in _UNKNOWN:
            return "", _PLAIN
        unit = _SHORT.get(self.unit, self.unit)
        return f"{text} {unit}" if self._column.is_area else text, _PLAIN

    @cached_property
    def _values(self) -> npt.NDArray[np.float64]:
        assert self.review is not None
        return self._column.values(self.review, self.area)

    @property
    def _column(self) -> CellColumn:
        return COLUMNS[self.kind]


class CellTextProvider(QObject):
    """Provides the texts that the canvas shows at cells; off at first."""

    changed = Signal()  # the texts may differ

    def __init__(self, session: Session, measurer: CellMeasurer) -> None:
        super().__init__()
        self._session = session
        self._measurer = measurer
        self.on = False
        self.kind = "cell"
        self._texts: CellTexts | None = None
        self._anchors: dict[int, tuple[float, float] | None] = {}
        self._plane: tuple[int, ...] = ()
        session.shown_changed.connect(lambda _: self._on_other())
        session.masks_changed.connect(self._on_masks)
        session.statuses_changed.connect(lambda *_: self._on_texts())
        measurer.changed.connect(lambda _: self._on_texts())

    def choose(self, kind: str) -> None:
        """Show texts of a kind, one of `KINDS`; "" for none."""
        self.on = bool(kind)
        self.kind = kind or self.kind
        self._measurer.set_active(self.on and self.kind not in _UNMEASURED, "texts")
        self._on_texts()

    def toggle(self) -> None:
        """Hide the texts, or show those of the last kind."""
        self.choose("" if self.on else self.kind)

    def texts(self) -> CellTexts:
        """Return a snapshot of the texts of the masks shown."""
        image = self._session.shown
        if image is None:
            return CellTexts(kind=self.kind)
        statuses = dict(image.statuses.get(image.active, {}))
        area, unit = pixel_area(image.source)
        review = self._measurer.review
        return CellTexts(
            kind=self.kind, review=review, statuses=statuses, area=area, unit=unit
        )

    def within(
        self, plane: tuple[int, ...], rows: slice, columns: slice, most: int
    ) -> tuple[int, list[CellText]]:
        """Return how many cells are in a region of a plane, and their texts.

        There are no texts if there are more than ``most`` cells.

        Parameters
        ----------
        plane
            Index of the plane in the masks.
        rows, columns
            The region.
        """
        image = self._session.shown
        labels = image.masks if image is not None else None
        if not self.on or labels is None or not labels.pixels.loaded:
            return 0, []
        pixels = labels.pixels
        # The cache holds the anchors of one plane: in others, cells lie elsewhere.
        if self._plane != plane:
            self._plane = plane
            self._anchors.clear()
        lead = tuple(slice(n, n + 1) for n in plane)
        table = pixels.cell_table()
        cells = table.within((*lead, rows, columns)).tolist()
        if len(cells) > most:
            return len(cells), []
        shown = pixels.array()[plane]
        texts = []
        for cell in cells:
            if cell not in self._anchors:
                y, x = table.box(cell)[-2:]
                self._anchors[cell] = anchor_in(shown, cell, (y, x))
            anchor = self._anchors[cell]
            text, colour = self._current.of(cell) if anchor else ("", "")
            if anchor and text:
                texts.append(CellText(*anchor, text, colour))
        return len(cells), texts

    @property
    def _current(self) -> CellTexts:
        if self._texts is None:
            self._texts = self.texts()
        return self._texts

    def _on_texts(self) -> None:
        self._texts = None
        self.changed.emit()

    def _on_masks(self, change: MasksChange) -> None:
        if change.edit is None:
            self._on_other()
        # Drafts are ignored: the labels follow at the end of a stroke.
        elif change.kind == "edited":
            self._on_edit(change.edit)

    def _on_other(self) -> None:
        self._anchors.clear()
        self._on_texts()

    def _on_edit(self, edit: LabelEdit) -> None:
        # The texts stay: new measurements and statuses have signals of their own.
        # Only cells that the edit touched need another anchor.
        if self._anchors:
            for cell in edit.touched_cells():
                self._anchors.pop(cell, None)
        self.changed.emit()

"""A row that shows what a new run keeps, and lets the user forget that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.background.kept_reader import KeptReader
from cellpose_studio.app.masks.merging.merge import accepted
from cellpose_studio.app.session.operations import Changed
from cellpose_studio.core.masks.cell_table import Box
from cellpose_studio.core.provenance.hand_edits import FORGET, HandEdits
from cellpose_studio.core.wording import counted, listed
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.services import Services

_TIP = (
    "<qt>A new run and other thresholds replace all cells but those that you accepted, "
    "drew, edited or linked. Places where you deleted cells stay empty.</qt>"
)
_FORGET_TIP = (
    "<qt>The next run may replace these cells, and find cells again where you deleted "
    "some. The masks stay as they are now. Undo takes it back.</qt>"
)


class KeptRow(QWidget):
    """Shows which cells of the masks shown a new run keeps, and why."""

    def __init__(
        self,
        services: Services,
        reader: KeptReader,
        edits: BackgroundEdits,
        canvas: Canvas,
    ) -> None:
        super().__init__(objectName="keptRow")
        self._services = services
        self._session = services.session
        self._reader = reader
        self._edits = edits
        self._canvas = canvas
        self._known: HandEdits | None = None
        # Replaced by the panel: several rows of its table may be selected.
        self.selected: Callable[[], Sequence[int]] = self._selected
        self.text = QLabel(objectName="curateRule", wordWrap=True, toolTip=_TIP)
        self.button = QToolButton(objectName="forget", text="Forget ▾")
        self.button.setToolTip(_FORGET_TIP)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        for text, call in (
            ("Forget my corrections of this &image", self.forget_all),
            ("Forget my corrections of what is in &view", self.forget_in_view),
            ("Forget my corrections of the &selected cells", self.forget_selected),
        ):
            self.menu.addAction(text, call)
        self.button.setMenu(self.menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        reader.changed.connect(self._on_known)
        self._session.statuses_changed.connect(lambda *_: self._refresh())

    def showEvent(self, event: QShowEvent) -> None:
        """Read what is kept while the row is visible; Qt calls this."""
        super().showEvent(event)
        self._reader.set_active(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop reading; Qt calls this."""
        super().hideEvent(event)
        self._reader.set_active(False)

    def forget_all(self) -> None:
        """Let a new run replace all cells of the masks shown."""
        self._forget()

    def forget_in_view(self) -> None:
        """Let a new run replace the cells in view, and fill the places there."""
        part = self._canvas.camera.part_in_view()
        if part is None:
            self._services.messages.note("Leave the 3D rendering first.")
            return
        lead = tuple(slice(n, n + 1) for n in self._canvas.plane)
        self._forget(region=(*lead, *part))

    def forget_selected(self) -> None:
        """Let a new run replace the selected cells."""
        cells = frozenset(self.selected())
        if not cells:
            self._services.messages.note("Choose a cell first: click on it.")
            return
        self._forget(cells=cells)

    def _selected(self) -> list[int]:
        return list(filter(None, [self._services.selection.cell]))

    def _forget(
        self, cells: frozenset[int] | None = None, region: Box | None = None
    ) -> None:
        image = self._session.shown
        if image is None or image.masks is None or not image.masks.pixels.loaded:
            return
        known = self._accepted()
        self._edits.change_masks(
            image,
            "Forget corrections",
            lambda operations, _: operations.forget(known, cells, region),
            self._on_forgotten,
        )

    def _accepted(self) -> frozenset[int]:
        """Return the accepted cells of the masks shown, as far as they are read."""
        image = self._session.shown
        if image is None or image.masks is None or not image.masks.pixels.loaded:
            return frozenset()
        table = image.masks.pixels.cell_table()
        return accepted(image.statuses.get(image.active, {}), table)

    def _on_forgotten(self, changed: Changed | None) -> None:
        if changed is None:
            self._services.messages.note(
                "There are no corrections here: a new run replaces these cells anyway."
            )
            return
        what = changed.text.removeprefix(FORGET).strip()
        self._services.messages.offer(
            f"Forgot your corrections of {what}. A new run may replace them.",
            "Undo",
            self._session.undo,
        )

    def _on_known(self, known: HandEdits | None) -> None:
        self._known = known
        self._refresh()

    def _refresh(self) -> None:
        text = kept_text(self._known or HandEdits(), self._accepted())
        self.text.setText(text or "A new run replaces all cells, and keeps none.")
        self.button.setVisible(bool(text))


def kept_text(known: HandEdits, approved: frozenset[int]) -> str:
    """Return a sentence on what a new run keeps; "" if nothing.

    Parameters
    ----------
    approved
        The cells that the user accepted.
    """
    groups = {
        "accepted": approved,
        "drawn": known.drawn - approved,
        "edited": known.edited - approved,
        "linked": known.linked - approved,
    }
    kept = [f"{len(cells):,} {why}" for why, cells in groups.items() if cells]
    parts = []
    if kept:
        several = len(frozenset().union(*groups.values())) > 1
        parts.append(f"keeps {listed(kept)} {'cells' if several else 'cell'}")
    if known.places:
        places = counted(known.places, "place")
        parts.append(f"leaves {places} empty where you deleted cells")
    return f"A new run {' and '.join(parts)}." if parts else ""

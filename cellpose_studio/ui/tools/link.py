"""Link cells over time: ask how alike they have to be, and do it in a job."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.core.matching.tracks import Tracks, link_cells
from cellpose_studio.ui.tools.context import ToolContext

_LEAST = 0.5
_WIDTH = 400
_ABOUT = (
    "A cell is the same as one in the time point before it if, of the pixels that "
    "either has, they share at least this part (intersection over union, IoU). Linked "
    "cells count as edited: a new run leaves them as they are. What you decided about "
    "them stays where it is the same for all of a track."
)
_TIP = (
    "<qt>Lower it where cells move far or grow fast between time points; raise it "
    "where cells are linked that are not the same.</qt>"
)
_OK_CANCEL = QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel


class LinkDialog(QDialog):
    """Asks for the least overlap of cells that are the same."""

    def __init__(self, least: float, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Link cells over time")
        self.least = QDoubleSpinBox(objectName="leastOverlap", toolTip=_TIP)
        self.least.setRange(0.05, 1)
        self.least.setSingleStep(0.05)
        self.least.setValue(least)
        buttons = QDialogButtonBox(_OK_CANCEL)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Link")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow("Least overlap (IoU)", self.least)
        about = QLabel(_ABOUT, wordWrap=True)
        about.setMinimumWidth(_WIDTH)
        column = QVBoxLayout(self)
        column.addWidget(about)
        column.addLayout(form)
        column.addWidget(buttons)


def ask_least(least: float, parent: QWidget) -> float | None:
    """Ask for the least overlap, with one suggested; None if the user stops."""
    dialog = LinkDialog(least, parent)
    answer = dialog.exec()
    value = round(float(dialog.least.value()), 2)
    dialog.deleteLater()
    return value if answer == QDialog.DialogCode.Accepted else None


class LinkCommand:
    """Gives the same cell the same id in all time points, as one step."""

    def __init__(
        self,
        hand: ToolContext,
        slow: BackgroundEdits,
        say: Callable[[str], None],
        parent: QWidget,
    ) -> None:
        self._hand = hand
        self._slow = slow
        self._say = say
        self._parent = parent
        self._least = _LEAST
        self.ask: Callable[[float, QWidget], float | None] = ask_least

    def ask_and_link(self) -> None:
        """Ask for the least overlap, and link the cells of the masks shown."""
        hand, image = self._hand, self._hand.image
        if image is None or hand.labels is None or image.source.frames < 2:
            return
        least = self.ask(self._least, self._parent)
        if least is None:
            return
        self._least = least

        def finish(tracks: Tracks) -> None:
            statuses = tracks.statuses(image.statuses.get(image.active, {}))
            hand.session.edit(image, tracks.edit, statuses)
            if image is hand.image and not hand.table.size_of(hand.chosen):
                hand.choose(0)
            self._say(_said(tracks))

        self._slow.start(
            image,
            "Link cells over time",
            lambda labels, table, checkpoint: link_cells(
                labels, table, least, checkpoint
            ),
            finish,
        )


def _said(tracks: Tracks) -> str:
    """Return what came of it, in words."""
    cells, count = f"{tracks.cells:,} cells", f"{tracks.tracks:,} tracks"
    text = f"{cells} in {tracks.frames:,} time points, {count}"
    if tracks.single:
        text += f", {tracks.single:,} of them in one time point only"
    return f"{text}." if tracks.edit.parts else f"Nothing had to be changed: {text}."

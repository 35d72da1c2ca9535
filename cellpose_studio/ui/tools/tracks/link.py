"""Link cells over time: ask for the least overlap, and link in a job."""

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
from cellpose_studio.app.session.operations import Changed, Operations
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.matching.tracks import Tracks
from cellpose_studio.ui.tools.context import ToolContext

_LEAST = 0.5
_WIDTH = 400
_ABOUT = (
    "Two cells are linked if their overlap (IoU, intersection over union) is at least "
    "this value. A new run keeps linked cells as they are. A track keeps its "
    "status if all of its cells have the same one."
)
_TIP = (
    "<qt>Lower it if cells move far or grow fast between time points. Raise it if "
    "different cells are linked.</qt>"
)
_OK_CANCEL = QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel


class LinkDialog(QDialog):
    """Asks for the least overlap of linked cells."""

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
    """Ask for the least overlap, with a suggestion; None if the user cancels."""
    dialog = LinkDialog(least, parent)
    answer = dialog.exec()
    value = round(float(dialog.least.value()), 2)
    dialog.deleteLater()
    return value if answer == QDialog.DialogCode.Accepted else None


class LinkCommand:
    """Gives linked cells the same id in all time points, as one undo step."""

    def __init__(
        self,
        context: ToolContext,
        background: BackgroundEdits,
        notify: Callable[[str], None],
        parent: QWidget,
    ) -> None:
        self._context = context
        self._background = background
        self._notify = notify
        self._parent = parent
        self._least = _LEAST
        self.ask: Callable[[float, QWidget], float | None] = ask_least

    def ask_and_link(self) -> None:
        """Ask for the least overlap, and link the cells of the masks shown."""
        context, image = self._context, self._context.image
        if image is None or context.labels is None or image.source.frames < 2:
            return
        least = self.ask(self._least, self._parent)
        if least is None:
            return
        self._least = least

        found: list[Tracks] = []
        mothers = dict(image.mothers.get(image.active, {}))

        def work(operations: Operations, checkpoint: Checkpoint) -> Changed | None:
            found.append(operations.tracks(least, checkpoint, mothers))
            return operations.link(found[-1])

        self._background.change_masks(
            image,
            "Link cells over time",
            work,
            lambda _: self._notify(_summary(found[-1])),
        )


def _summary(tracks: Tracks) -> str:
    """Return a sentence with the counts of cells and tracks."""
    cells, count = f"{tracks.cells:,} cells", f"{tracks.tracks:,} tracks"
    text = f"{cells} in {tracks.frames:,} time points, {count}"
    if tracks.single:
        text += f", {tracks.single:,} of them in one time point only"
    return f"{text}." if tracks.edit.parts else f"Nothing had to be changed: {text}."

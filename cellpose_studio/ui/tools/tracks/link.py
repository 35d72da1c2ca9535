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
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.operations import Changed, Operations
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.lineage import daughters_of, in_force
from cellpose_studio.core.matching.divisions import spans_of
from cellpose_studio.core.matching.tracks import Tracks
from cellpose_studio.core.provenance.revision import CellChanges, MotherChanges
from cellpose_studio.core.wording import counted, listed
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


Offer = Callable[[str, str, Callable[[], object], str], None]
"""Shows a text, a button for an action, and details."""


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
        link = buttons.button(QDialogButtonBox.StandardButton.Ok)
        link.setText("Link")
        link.setToolTip("Give linked cells one number over time; Undo takes it back.")
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
        offer: Offer,
        parent: QWidget,
    ) -> None:
        self._context = context
        self._background = background
        self._notify = notify
        self._offer = offer
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

        found: list[tuple[Tracks, dict[int, int]]] = []
        mothers = dict(image.mothers.get(image.active, {}))

        def work(operations: Operations, checkpoint: Checkpoint) -> Changed | None:
            tracks = operations.tracks(least, checkpoint, mothers)
            changed = operations.link(tracks)
            proposed = operations.proposed_divisions(changed, mothers, checkpoint)
            found.append((tracks, proposed))
            return changed

        self._background.change_masks(
            image, "Link cells over time", work, lambda _: self._tell(image, *found[-1])
        )

    def _tell(
        self, image: ProjectImage, tracks: Tracks, proposed: dict[int, int]
    ) -> None:
        """Tell what was linked, and offer the divisions that this suggests."""
        if not proposed:
            self._notify(_summary(tracks))
            return
        pixels = image.masks.pixels if image.masks is not None else None
        daughters = daughters_of(proposed)
        count = counted(len(daughters), "possible division")

        def accept() -> None:
            now = image.masks
            # Other masks may have taken the place of those that were linked.
            if now is None or now.pixels is not pixels:
                self._notify("The masks were changed meanwhile, so nothing was done.")
                return
            known = image.mothers.get(image.active, {})
            spans = spans_of(now.pixels.cell_table())
            mothers: MotherChanges = {
                daughter: (known.get(daughter), mother)
                for daughter, mother in in_force(proposed, spans).items()
                if daughter not in known
            }
            self._context.session.change_cells(
                image, f"Set {count}", CellChanges(mothers=mothers)
            )

        lines = [
            f"Cell {mother} into {listed([str(cell) for cell in cells])}"
            for mother, cells in daughters.items()
        ]
        self._offer(
            f"{_summary(tracks)} {count}: cells that end where several begin.",
            f"Set {count}",
            accept,
            "\n".join(lines),
        )


def _summary(tracks: Tracks) -> str:
    """Return a sentence with the counts of cells and tracks."""
    cells, count = f"{tracks.cells:,} cells", f"{tracks.tracks:,} tracks"
    text = f"{cells} in {tracks.frames:,} time points, {count}"
    if tracks.single:
        text += f", {tracks.single:,} of them in one time point only"
    return f"{text}." if tracks.edit.parts else f"Nothing had to be changed: {text}."

"""The models that were trained on the project, as a tree."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QTreeWidget, QTreeWidgetItem

from cellpose_studio.core.models.training_round import TrainingRound, depths
from cellpose_studio.core.wording import image_count


class LineageTree(QTreeWidget):
    """Lists the rounds of a project, each below the model that it started from."""

    round_chosen = Signal(object)  # TrainingRound

    def __init__(self) -> None:
        super().__init__(objectName="trainLineage")
        self.setAccessibleName("Models trained on this project")
        self.setToolTip(
            "<qt>Models trained on this project, below their parent. Click one to see "
            "its curve.</qt>"
        )
        self.setHeaderLabels(["Model", "AP before → after", "Images", "Date"])
        self.setMinimumHeight(96)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._shown: Sequence[TrainingRound] = ()
        self.currentItemChanged.connect(self._on_current)

    def show_rounds(self, rounds: Sequence[TrainingRound]) -> None:
        """Show rounds, all expanded."""
        # A new tree would take the selection and the keyboard focus from the old one.
        if rounds and [*rounds] == [*self._shown]:
            return
        self._shown = tuple(rounds)
        self.clear()
        above: list[QTreeWidgetItem] = []
        for depth, one in depths(rounds):
            item = QTreeWidgetItem([one.name, _aps(one), _images(one), one.card.date])
            item.setData(0, Qt.ItemDataRole.UserRole, one)
            for column in range(4):
                item.setToolTip(column, _tip(one))
            del above[depth:]
            if above:
                above[-1].addChild(item)
            else:
                self.addTopLevelItem(item)
            above.append(item)
        self.expandAll()
        for column in range(1, 3):
            self.resizeColumnToContents(column)
        self.setVisible(bool(rounds))

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.round_chosen.emit(item.data(0, Qt.ItemDataRole.UserRole))


def _aps(one: TrainingRound) -> str:
    comparison = one.card.comparison
    if comparison is not None:
        worse = " (worse)" if comparison.worse else ""
        return f"{comparison.before:.3f} → {comparison.after:.3f}{worse}"
    known = [p.validation_ap for p in one.card.curve if p.validation_ap is not None]
    return f"{max(known):.3f}" if known else "not measured"


def _images(one: TrainingRound) -> str:
    used = sum(image.role == "train" for image in one.card.images)
    return f"{used} + {len(one.card.images) - used}"


def _tip(one: TrainingRound) -> str:
    card = one.card
    used = sum(image.role == "train" for image in card.images)
    start = f"from {card.parent}" if card.parent else "from scratch"
    parts = [f"{one.name}, {start}, trained on {image_count(used)}"]
    if card.comparison is not None:
        parts.append(f"It is {card.comparison}")
    return ". ".join([*parts, one.path])

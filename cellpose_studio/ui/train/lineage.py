"""The models that were trained on the project, as a tree."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHeaderView, QSizePolicy, QTreeWidget, QTreeWidgetItem

from cellpose_studio.core.models.training_round import TrainingRound, depths
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.widgets.tables.whole_names import WrappedNames

_INDENT = 14  # px


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
        self.setHeaderLabels(["Model", "AP before → after"])
        # Names begin alike, with the model before: shortened ones would look the same.
        self.setItemDelegateForColumn(0, WrappedNames(self))
        self.setIndentation(_INDENT)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        fitted = QHeaderView.ResizeMode.ResizeToContents
        self.header().setSectionResizeMode(1, fitted)
        self.setMinimumHeight(96)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._shown: Sequence[TrainingRound] = ()
        self.currentItemChanged.connect(self._on_current)
        # The current one is no longer shown where another training came in between.
        self.itemClicked.connect(lambda item, _: self._on_current(item))

    def show_rounds(self, rounds: Sequence[TrainingRound]) -> None:
        """Show rounds, all expanded."""
        # A new tree would take the selection and the keyboard focus from the old one.
        if rounds and [*rounds] == [*self._shown]:
            return
        self._shown = tuple(rounds)
        self.clear()
        above: list[QTreeWidgetItem] = []
        for depth, one in depths(rounds):
            item = QTreeWidgetItem([f"{one.name}\n{_made(one)}", _aps(one)])
            item.setData(0, Qt.ItemDataRole.UserRole, one)
            for column in range(2):
                item.setToolTip(column, _tip(one))
            del above[depth:]
            if above:
                above[-1].addChild(item)
            else:
                self.addTopLevelItem(item)
            above.append(item)
        self.expandAll()
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


def _made(one: TrainingRound) -> str:
    """Return what a model was trained on, and when."""
    roles = [image.role for image in one.card.images]
    used = f"{roles.count('train'):,} + {roles.count('validation'):,} images"
    return ", ".join(filter(None, [used, one.card.date]))


def _tip(one: TrainingRound) -> str:
    card = one.card
    used = sum(image.role == "train" for image in card.images)
    start = f"from {card.parent}" if card.parent else "from scratch"
    parts = [f"{one.name}, {start}, trained on {image_count(used)}"]
    if card.comparison is not None:
        parts.append(f"It is {card.comparison}")
    return ". ".join([*parts, one.path])

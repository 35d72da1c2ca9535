"""Dialog with all available models and their cards."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.ui.segment.model_card_html import card_html

_SIZE = (980, 620)
_LIST_WIDTH = 240
_BUTTONS = QDialogButtonBox.StandardButton


class ModelBrowser(QDialog):
    """Lists the models, with the card of the selected one beside the list."""

    file_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self._models: list[ModelSpec] = []
        self.list = QListWidget(objectName="modelList")
        self.list.setFixedWidth(_LIST_WIDTH)
        self.card = QTextBrowser(objectName="modelCard")
        self.add = QPushButton("Add file…", objectName="addModelFile")
        self.add.setToolTip(
            "<qt>Add a weight file of Cellpose 1 to 4, such as your own model.</qt>"
        )
        self.buttons = QDialogButtonBox(_BUTTONS.Ok | _BUTTONS.Cancel)
        self.buttons.button(_BUTTONS.Ok).setText("Use this model")
        self._lay_out()
        self.list.currentRowChanged.connect(self._on_row)
        self.list.itemDoubleClicked.connect(self.accept)
        self.add.clicked.connect(self.file_requested)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    @property
    def chosen(self) -> int:
        """Index of the selected model; -1 for none."""
        return int(self.list.currentRow())

    def set_models(self, models: Sequence[ModelSpec], chosen: int) -> None:
        """List ``models`` and select one of them."""
        self._models = list(models)
        self.list.clear()
        self.list.addItems([model.label for model in models])
        self.list.setCurrentRow(chosen)

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.addWidget(self.list, 1)
        left.addWidget(self.add)
        both = QHBoxLayout()
        both.addLayout(left)
        both.addWidget(self.card, 1)
        column = QVBoxLayout(self)
        column.addLayout(both, 1)
        column.addWidget(self.buttons)
        self.resize(*_SIZE)

    def _on_row(self, row: int) -> None:
        valid = 0 <= row < len(self._models)
        self.card.setHtml(card_html(self._models[row]) if valid else "")
        self.buttons.button(_BUTTONS.Ok).setEnabled(valid)

"""The list of models that Cellpose has published, with a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from cellpose_studio.core.models.published import PublishedModel
from cellpose_studio.io.storage import room_text
from cellpose_studio.ui.widgets.tables.filter_line import FilterLine

IsInstalled = Callable[[PublishedModel], bool]


class PublishedList(QWidget):
    """Lists published models; those that do not run here come last, in grey."""

    chosen_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._models: list[PublishedModel] = []
        self._first = False
        title = QLabel("Published by Cellpose")
        self.filter = FilterLine("publishedFilter", "Filter")
        self.filter.setToolTip("Show only models with this in their name or purpose.")
        self.filter.setAccessibleName("Filter the published models")
        self.list = QListWidget(objectName="publishedList")
        self.list.setToolTip(
            "<qt>Models that Cellpose has published. A tick marks those that are on "
            "this computer.</qt>"
        )
        self.list.setAccessibleName("Models published by Cellpose")
        self.filter.set_list(self.list)
        title.setBuddy(self.list)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (title, self.filter, self.list):
            column.addWidget(widget)
        self.filter.textChanged.connect(self._on_filter)
        self.list.currentRowChanged.connect(self._on_row)

    @property
    def chosen(self) -> PublishedModel | None:
        """The selected model."""
        row = self.list.currentRow()
        return self._models[row] if row >= 0 else None

    def set_models(
        self, models: Sequence[PublishedModel], is_installed: IsInstalled
    ) -> None:
        """List ``models``; the same one stays selected."""
        chosen = self.chosen
        self._models = sorted(models, key=lambda model: bool(model.refused))
        self.list.blockSignals(True)
        self.list.clear()
        for model in self._models:
            item = QListWidgetItem(_text(model, is_installed(model)))
            item.setToolTip(f"<qt>{model.purpose}</qt>")
            if model.refused:
                item.setForeground(self.palette().placeholderText())
            self.list.addItem(item)
        if chosen is not None:
            self.choose(chosen.name)
        self.list.blockSignals(False)
        self._on_filter(self.filter.text())
        if self._first:
            self.choose_first()

    def choose(self, name: str) -> None:
        """Select the model of a name."""
        names = [model.name for model in self._models]
        self.list.setCurrentRow(names.index(name))

    def choose_first(self) -> None:
        """Select the newest model, be it as soon as there is a list."""
        self.filter.clear()
        self._first = not self._models
        # A list that gets the keyboard selects its first row: not the other one.
        self.list.setFocus()
        if self._models:
            self.list.setCurrentRow(0)

    def clear_choice(self) -> None:
        """Select none."""
        self._first = False
        self.list.blockSignals(True)
        self.list.setCurrentRow(-1)
        self.list.blockSignals(False)

    def _on_row(self, _: int) -> None:
        self.chosen_changed.emit()

    def _on_filter(self, text: str) -> None:
        wanted = text.casefold()
        for row, model in enumerate(self._models):
            found = wanted in f"{model.name} {model.title} {model.purpose}".casefold()
            self.list.item(row).setHidden(not found)


def _text(model: PublishedModel, installed: bool) -> str:
    text = f"{'✓ ' if installed else ''}{model.name}"
    if model.size and not installed:
        text += f"  ({room_text(model.size)})"
    return text

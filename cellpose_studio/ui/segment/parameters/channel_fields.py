"""Fields of steps that hold channels of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.widgets.form import extra, keep_narrow, set_tooltip

_LENGTH = 10
"""Characters that names of channels have room for."""

_MOST = 1000.0


class ChannelField(Protocol):
    """Interface of a widget for channels, from 1."""

    changed: Any
    widget: QWidget

    def set_names(self, names: Sequence[str]) -> None:
        """Show the channels that there are to choose from."""

    def values(self) -> dict[str, Any]:
        """Return the fields of the step by name."""


def channel_field(name: str, field: FieldInfo, step: Any) -> ChannelField:
    """Return the widget for one field of a step."""
    if isinstance(field.default, tuple):
        return ChannelWeights(name, field, step)
    return ChannelChoice(name, field, step)


class ChannelChoice(QWidget):
    """Chooses one channel, or all."""

    changed = Signal()

    def __init__(self, name: str, field: FieldInfo, step: Any) -> None:
        super().__init__()
        self.widget: QWidget = self
        self._name = name
        self._value: int | None = getattr(step, name)
        self.box = QComboBox(objectName=name)
        keep_narrow(self.box, _LENGTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.box)
        set_tooltip(self, field.description or "")
        self.box.currentIndexChanged.connect(self._on_chosen)

    def set_names(self, names: Sequence[str]) -> None:
        """As in `ChannelField`."""
        self.box.blockSignals(True)
        self.box.clear()
        self.box.addItem("All channels", None)
        for n, text in enumerate(_all_names(names, [self._value or 0]), 1):
            self.box.addItem(text, n)
        self.box.setCurrentIndex(self.box.findData(self._value))
        self.box.blockSignals(False)

    def values(self) -> dict[str, Any]:
        """As in `ChannelField`."""
        return {self._name: self._value}

    def _on_chosen(self) -> None:
        self._value = self.box.currentData()
        self.changed.emit()


class ChannelWeights(QWidget):
    """Chooses several channels, and how much each counts."""

    changed = Signal()

    def __init__(self, name: str, field: FieldInfo, step: Any) -> None:
        super().__init__()
        self.widget: QWidget = self
        self._name = name
        self._field = field
        self._weights_name: str = extra(field)["weights"]
        channels = getattr(step, name)
        weights = getattr(step, self._weights_name) or (1.0,) * len(channels)
        self._weights: dict[int, float] = dict(zip(channels, weights, strict=True))
        self._rows: list[tuple[QCheckBox, QDoubleSpinBox]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)

    def set_names(self, names: Sequence[str]) -> None:
        """As in `ChannelField`."""
        texts = _all_names(names, list(self._weights))
        if [check.text() for check, _ in self._rows] == texts:
            return
        for row in self._rows:
            for widget in row:
                self._grid.removeWidget(widget)
                widget.deleteLater()
        self._rows = [self._row(n, text) for n, text in enumerate(texts, 1)]
        set_tooltip(self, self._field.description or "")
        self._keep_one()

    def values(self) -> dict[str, Any]:
        """As in `ChannelField`."""
        channels = tuple(sorted(self._weights))
        weights = tuple(self._weights[c] for c in channels)
        plain = all(weight == 1 for weight in weights)
        return {self._name: channels, self._weights_name: () if plain else weights}

    def _row(self, channel: int, text: str) -> tuple[QCheckBox, QDoubleSpinBox]:
        check = QCheckBox(text, objectName=f"merge{channel}")
        check.setChecked(channel in self._weights)
        weight = QDoubleSpinBox(
            minimum=-_MOST,
            maximum=_MOST,
            singleStep=0.1,
            decimals=3,
            objectName=f"weight{channel}",
            accessibleName=f"Weight of {text}",
        )
        weight.setPrefix("× ")
        weight.setValue(self._weights.get(channel, 1.0))
        weight.setEnabled(check.isChecked())
        weight.setKeyboardTracking(False)
        self._grid.addWidget(check, channel, 0)
        self._grid.addWidget(weight, channel, 1)
        check.toggled.connect(lambda _, c=channel: self._on_changed(c))
        weight.valueChanged.connect(lambda _, c=channel: self._on_changed(c))
        return check, weight

    def _on_changed(self, channel: int) -> None:
        check, weight = self._rows[channel - 1]
        weight.setEnabled(check.isChecked())
        if check.isChecked():
            self._weights[channel] = weight.value()
        else:
            self._weights.pop(channel, None)
        self._keep_one()
        self.changed.emit()

    def _keep_one(self) -> None:
        """Let the last channel stay: nothing can be made of none."""
        for n, (check, _) in enumerate(self._rows, 1):
            check.setEnabled(len(self._weights) > 1 or n not in self._weights)


def _all_names(names: Sequence[str], needed: Sequence[int]) -> list[str]:
    """Return names of channels, also of those that a step needs and an image lacks."""
    most = max([len(names), *needed])
    missing = range(len(names) + 1, most + 1)
    return [*names, *(f"Channel {n} (missing)" for n in missing)]

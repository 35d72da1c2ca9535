"""Widgets that show a setting, change it at once, and follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.widgets.form import keep_narrow, set_tooltip


class Choice(QComboBox):
    """One of several values of a setting.

    Parameters
    ----------
    name
        Of the setting.
    values
        Their texts and themselves.
    title
        For screen readers.
    tip
        What it does, and when to change it.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        values: Sequence[tuple[str, Any]],
        title: str,
        tip: str,
    ) -> None:
        super().__init__()
        self._settings, self._name = settings, name
        # A long name of a device must not widen the window.
        keep_narrow(self, 24)
        _describe(self, name, title, tip)
        self.offer(values)
        self.currentIndexChanged.connect(self._take)
        getattr(settings.events, name).connect(self._follow)

    def offer(self, values: Sequence[tuple[str, Any]]) -> None:
        """Offer other values; the setting stays as it is."""
        with QSignalBlocker(self):
            self.clear()
            for text, value in values:
                self.addItem(text, value)
        self._follow()

    def _take(self, _: int) -> None:
        setattr(self._settings, self._name, self.currentData())

    def _follow(self) -> None:
        # A value that is not offered is shown as none, and stays as it is.
        with QSignalBlocker(self):
            self.setCurrentIndex(self.findData(getattr(self._settings, self._name)))


class Switch(QCheckBox):
    """A setting that is on or off; parameters as of `Choice`."""

    def __init__(self, settings: Settings, name: str, title: str, tip: str) -> None:
        super().__init__(title)
        self._settings, self._name = settings, name
        _describe(self, name, title, tip)
        self._follow()
        self.toggled.connect(self._take)
        getattr(settings.events, name).connect(self._follow)

    def _take(self, on: bool) -> None:
        setattr(self._settings, self._name, on)

    def _follow(self) -> None:
        self.setChecked(getattr(self._settings, self._name))


class Amount(QSpinBox):
    """A whole number; parameters as of `Choice`.

    Parameters
    ----------
    most
        The largest one; 0 is the smallest.
    """

    def __init__(
        self, settings: Settings, name: str, most: int, title: str, tip: str
    ) -> None:
        super().__init__(maximum=most, keyboardTracking=False)
        self._settings, self._name = settings, name
        _describe(self, name, title, tip)
        self._follow()
        self.valueChanged.connect(self._take)
        getattr(settings.events, name).connect(self._follow)

    def _take(self, value: int) -> None:
        setattr(self._settings, self._name, value)

    def _follow(self) -> None:
        self.setValue(getattr(self._settings, self._name))


def _describe(widget: QWidget, name: str, title: str, tip: str) -> None:
    widget.setObjectName(name)
    widget.setAccessibleName(title)
    set_tooltip(widget, tip)

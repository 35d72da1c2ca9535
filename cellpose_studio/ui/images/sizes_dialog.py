"""Asks for the size of a pixel, and for the time between time points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.files.dialogs import ok_cancel

_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_ABOUT = (
    "Measurements in µm, scale bars and speeds of tracks are made with these. They are "
    "kept in the project; the files stay as they are."
)
_MOST = 1e6
_WIDTH = 360  # px


class SizesDialog(QDialog):
    """Shows what is known of some images; `wanted` is what the user has made of it."""

    def __init__(self, images: Sequence[ImageSource], parent: QWidget | None) -> None:
        super().__init__(parent, objectName="sizesDialog")
        self.setWindowTitle("Pixel size and time")
        self._images = images
        self.pixel = _number(
            "sizePixel",
            "Size of a pixel",
            "Height and width of a pixel, µm.",
            " µm",
            _common(images, lambda one: one.pixel_size_um[1]),
        )
        self.step = _number(
            "sizeStep",
            "Distance of planes",
            "Distance of the planes of a stack, µm.",
            " µm",
            _common(images, lambda one: one.pixel_size_um[0]),
        )
        interval = _common(images, lambda one: one.interval_s)
        self.unit = QComboBox(objectName="sizeUnit")
        self.unit.setToolTip("Unit of the time.")
        self.unit.setAccessibleName("Unit of the time")
        for name in _UNITS:
            self.unit.addItem(name)
        self.unit.setCurrentText(_unit_of(interval))
        self.time = _number(
            "sizeTime",
            "Time between time points",
            "Time from one time point to the next, for speeds in µm/h.",
            "",
            interval and interval / _UNITS[self.unit.currentText()],
        )
        self._first = self._numbers()
        self._lay_out()

    def wanted(self) -> list[ImageSource]:
        """Return the images with what was changed; what was not stays as it is."""
        return [self._of(one) for one in self._images]

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Size of a &pixel", self.pixel)
        if any(one.planes > 1 for one in self._images):
            form.addRow("&Distance of planes", self.step)
        if any(one.frames > 1 for one in self._images):
            row = QHBoxLayout()
            row.addWidget(self.time, 1)
            row.addWidget(self.unit)
            label = QLabel("&Time between time points")
            label.setBuddy(self.time)
            form.addRow(label, row)
        column = QVBoxLayout(self)
        column.addStrut(_WIDTH)
        images = self._images
        named = images[0].name if len(images) == 1 else image_count(len(images))
        column.addWidget(QLabel(f"For {named}:"))
        column.addLayout(form)
        column.addWidget(QLabel(_ABOUT, wordWrap=True))
        tip = "Keep these sizes in the project; the files stay as they are."
        column.addWidget(ok_cancel(self, "Set", tip))

    def _numbers(self) -> tuple[float | None, float | None, float | None]:
        """Return size, step and seconds; None for what is not given."""
        seconds = self.time.value() * _UNITS[self.unit.currentText()]
        return (
            self.pixel.value() or None,
            self.step.value() or None,
            seconds or None,
        )

    def _of(self, image: ImageSource) -> ImageSource:
        pixel, step, seconds = self._numbers()
        z, y, x = image.pixel_size_um
        before = self._first
        if pixel != before[0]:
            y = x = pixel
        if step != before[1] and image.planes > 1:
            z = step
        timed = seconds != before[2] and image.frames > 1
        return replace(
            image,
            pixel_size_um=(z, y, x),
            # Sizes in µm, where both are known, already imply the ratio.
            step_ratio=None if z and y else image.step_ratio,
            interval_s=seconds if timed else image.interval_s,
        )


def _common(
    images: Sequence[ImageSource], value: Callable[[ImageSource], float | None]
) -> float | None:
    """Return what all images have; None where it is not known, or differs."""
    found = {value(one) for one in images}
    return found.pop() if len(found) == 1 else None


def _unit_of(seconds: float | None) -> str:
    """Return the largest unit in which a time is no fraction below 1."""
    if seconds is None:
        return "min"
    return max(
        (name for name, length in _UNITS.items() if length <= max(seconds, 1)),
        key=_UNITS.__getitem__,
    )


class _Number(QDoubleSpinBox):
    """A number without zeros at its end."""

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """Return a number as a text; Qt calls this."""
        return f"{value:.10g}".replace(".", str(self.locale().decimalPoint()))


def _number(
    name: str, title: str, tip: str, suffix: str, value: float | None
) -> QDoubleSpinBox:
    box = _Number(objectName=name, maximum=_MOST, decimals=6)
    box.setSpecialValueText("not known, or different")
    box.setSuffix(suffix)
    box.setAccessibleName(title)
    box.setToolTip(tip)
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    box.setValue(value or 0)
    return box

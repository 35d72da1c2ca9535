"""Validation images with the masks that the network in training finds."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from cellpose_studio.core.masks.labels import outlines
from cellpose_studio.core.models.training import ValidationSample
from cellpose_studio.ui.widgets.pixmap import pixmap_of

_MOST = 3
_SIDE = 100  # px; three of them must not widen the panel
_FOUND, _TRUE = (255, 210, 60), (60, 170, 255)


class SampleRow(QWidget):
    """Up to three validation images, with outlines of found and of true cells."""

    def __init__(self) -> None:
        super().__init__(objectName="trainSamples")
        self.setToolTip(
            "<qt>Validation images: what the network finds is outlined in yellow, your "
            "masks in blue.</qt>"
        )
        row = QHBoxLayout()
        self.pictures = [QLabel() for _ in range(_MOST)]
        self.texts = [QLabel() for _ in range(_MOST)]
        for picture, text in zip(self.pictures, self.texts, strict=True):
            picture.setFixedSize(_SIDE, _SIDE)
            text.setTextFormat(Qt.TextFormat.PlainText)
            cell = QVBoxLayout()
            cell.addWidget(picture)
            cell.addWidget(text)
            row.addLayout(cell)
        row.addStretch(1)
        legend = QLabel(
            f"{swatch(f'rgb{_FOUND}')} found &nbsp; {swatch(f'rgb{_TRUE}')} your masks",
            objectName="trainSamplesLegend",
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(legend)
        self.hide()

    def show_samples(self, samples: Sequence[ValidationSample]) -> None:
        """Show samples; hide the row without any."""
        self.setVisible(bool(samples))
        for n in range(_MOST):
            known = n < len(samples)
            self.pictures[n].setVisible(known)
            self.texts[n].setVisible(known)
            if known:
                sample = samples[n]
                self.pictures[n].setPixmap(_pixmap(sample))
                self.pictures[n].setAccessibleName(f"Masks found in {sample.name}")
                self.texts[n].setText(f"AP {sample.ap:.2f}")
                self.texts[n].setToolTip(sample.name)


def swatch(colour: str) -> str:
    """Return a small square of a colour, for a legend."""
    return f'<span style="color:{colour}">■</span>'


def drawn(sample: ValidationSample) -> npt.NDArray[np.uint8]:
    """Return (Y, X, 3), the picture of a sample with its outlines."""
    picture = np.repeat(sample.grey[..., None], 3, axis=2)
    picture[_thick_outlines(sample.true)] = _TRUE
    picture[_thick_outlines(sample.found)] = _FOUND
    return np.ascontiguousarray(picture)


def _thick_outlines(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    # A thin line would vanish where the picture is shrunk.
    thick = cv2.dilate(outlines(labels).astype(np.uint8), np.ones((2, 2), np.uint8))
    return thick > 0


def _pixmap(sample: ValidationSample) -> QPixmap:
    return pixmap_of(drawn(sample)).scaled(
        _SIDE,
        _SIDE,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )

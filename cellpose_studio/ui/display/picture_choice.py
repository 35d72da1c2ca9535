"""Chooses what is shown under the masks: the image, or a picture of the network."""

from __future__ import annotations

from typing import Any, Protocol

from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QComboBox

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.display.flow_picture import flows_picture, probability_picture
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.ui.canvas.pictures import FLOWS, PROBABILITY

PICTURES = {
    "Image": None,
    FLOWS: flows_picture,
    PROBABILITY: probability_picture,
}
"""What can be shown, by the text of the choice."""

_TIP = (
    "<qt>Show the image, or what the network made of it: <b>flows</b>, whose colour is "
    "the direction to the centre of the cell, or the <b>cell probability</b>, from "
    "black to white.</qt>"
)
NO_MASKS = "Flows come with a run: there are no masks yet."
NO_FLOWS = "These masks have no flows. Run the model to get them."
NO_PLANES = "Flows and cell probability are shown in planes, not in a 3D rendering."


class PictureLayer(Protocol):
    """Interface of the canvas for pictures of the network."""

    def show(self, pixels: Any, what: str = "") -> None:
        """Show an array (…, Y, X, 3) of the size of the image; None hides it.

        ``what`` is what it shows, for the legend.
        """
        ...


class PictureChoice(QObject):
    """A choice between the image and pictures of the flows of the masks shown."""

    def __init__(self, session: Session, layer: PictureLayer) -> None:
        super().__init__()
        self._session = session
        self._layer = layer
        self._in_3d = False
        self._shown: tuple[int, Flows | None] = (0, None)
        self.box = QComboBox(objectName="pictureChoice")
        self.box.addItems(list(PICTURES))
        self.box.setAccessibleName("Picture below the masks")
        self.box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.box.currentIndexChanged.connect(lambda _: self._show())
        session.masks_changed.connect(self._on_change)
        self.update()

    def update(self) -> None:
        """Follow another image; the canvas has left the picture of the one before."""
        self._shown = (0, None)
        self._on_masks()

    def set_in_3d(self, in_3d: bool) -> None:
        """Hide the picture in a 3D rendering."""
        self._in_3d = in_3d
        self._on_masks()

    @property
    def reason_disabled(self) -> str:
        """Reason why there are no pictures; "" if there are."""
        image = self._session.shown
        if image is None or image.masks is None:
            return NO_MASKS
        if self._in_3d:
            return NO_PLANES
        return "" if image.masks.flows is not None else NO_FLOWS

    def _on_change(self, change: MasksChange) -> None:
        # An edit changes no flows.
        if change.edit is None:
            self._on_masks()

    def _on_masks(self) -> None:
        reason = self.reason_disabled
        self.box.setEnabled(not reason)
        self.box.setToolTip(reason or _TIP)
        self._show()

    def _show(self) -> None:
        """Show the chosen picture, unless it is there already."""
        image, flows, chosen = self._session.shown, None, self.box.currentIndex()
        if not self.reason_disabled and image is not None and image.masks is not None:
            flows = image.masks.flows
        draw = PICTURES[self.box.currentText()]
        wanted = (chosen, flows) if flows is not None and draw else (0, None)
        # Other masks may have the same flows.
        if wanted[0] == self._shown[0] and wanted[1] is self._shown[1]:
            return
        self._shown = wanted
        if flows is None or draw is None or image is None:
            self._layer.show(None)
        else:
            pixels = draw(flows, image.source.label_shape)
            self._layer.show(pixels, self.box.currentText())

"""Scope of the Run button: the images to segment."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, Qt, QTimer

from cellpose_studio.app.images.image_status import status_of
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.ui.images.panel import ImagesPanel
from cellpose_studio.ui.segment.panel import SegmentPanel

_SCOPES = {
    "image": ("this image", "The image shown."),
    "view": (
        "the view",
        "What is in view of the plane shown. Accepted, drawn and edited cells, and all "
        "cells outside, are kept.",
    ),
    "selected": (
        "selected",
        "The images selected in the list. Ctrl or Shift selects several.",
    ),
    "listed": ("all listed", "All images that pass the filter of the list."),
    "untouched": ("untouched", "All images of the project without masks."),
}


Request = tuple[list[ProjectImage], ModelSpec, SegmentationParameters]
"""Images, and what to run on them."""


class RunScope(QObject):
    """Chooses the images to segment, next to the Run button.

    The image shown runs at once; all other scopes are added to the queue.
    """

    def __init__(
        self,
        session: Session,
        images: ImagesPanel,
        segment: SegmentPanel,
        batch: BatchQueue,
    ) -> None:
        super().__init__(segment)
        self._session = session
        self._images = images
        self._segment = segment
        self._batch = batch
        self.box = segment.parameters.scope
        for key, (text, tip) in _SCOPES.items():
            self.box.addItem(text, key)
            last = self.box.count() - 1
            self.box.setItemData(last, tip, Qt.ItemDataRole.ToolTipRole)
        # One refresh for all changes of an event, as many images may change at once.
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._refresh)
        self._connect()

    @property
    def several(self) -> bool:
        """Whether the scope may contain other images than the one shown."""
        return self.box.currentData() not in ("image", "view")

    @property
    def in_view(self) -> bool:
        """Whether it is what is in view of the image shown."""
        return bool(self.box.currentData() == "view")

    def images(self) -> list[ProjectImage]:
        """Return the images of the scope."""
        scope, shown = self.box.currentData(), self._session.shown
        if scope == "selected":
            return self._images.selected_images()
        if scope == "listed":
            return list(self._images.filtered.images())
        if scope == "untouched":
            return [e for e in self._session.images if status_of(e) == "untouched"]
        return [shown] if shown else []

    def queue(self, confirm: Callable[[list[Request]], bool]) -> None:
        """Add the images to the queue, with model and parameters of the panel.

        ``confirm`` says whether to do so.
        """
        requests = self._requests()
        if not requests or not confirm(requests):
            return
        masks = self._segment.parameters.masks.name
        for images, model, parameters in requests:
            self._batch.add(images, model, parameters, masks)

    def _requests(self) -> list[Request]:
        """Return the images of the scope, by the parameters that they get."""
        kinds: dict[bool, list[ProjectImage]] = {}
        for image in self.images():
            # Stacks get other parameters than single planes, which cannot run in 3D.
            kinds.setdefault(image.source.planes > 1, []).append(image)
        found = []
        for images in kinds.values():
            request = self._segment.run_request_for(images[0].source)
            if request is not None:
                found.append((images, *request))
        return found

    def _connect(self) -> None:
        self.box.currentIndexChanged.connect(lambda _: self._refresh())
        selection = self._images.view.selectionModel()
        selection.selectionChanged.connect(self._refresh_soon)
        for signal in ("rowsInserted", "rowsRemoved", "modelReset"):
            getattr(self._images.filtered, signal).connect(self._refresh_soon)
        self._session.images_changed.connect(self._refresh_soon)
        self._session.masks_changed.connect(self._on_masks)
        self._session.image_changed.connect(self._refresh_soon)

    def _on_masks(self, change: MasksChange) -> None:
        # An edit needs masks, so it cannot change which images are untouched.
        if change.edit is None:
            self._refresh_soon()

    def _refresh_soon(self, *_: object) -> None:
        if self.several and not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        tip = _SCOPES[self.box.currentData()][1]
        self.box.setToolTip(f"<qt>Images to segment. {tip}</qt>")
        self._segment.set_count(self._count() if self.several else None, self.in_view)

    def _count(self) -> int:
        if self.box.currentData() == "listed":
            # Counting rows is faster than collecting thousands of images.
            return int(self._images.filtered.image_count())
        return len(self.images())

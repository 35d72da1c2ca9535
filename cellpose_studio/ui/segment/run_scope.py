"""Which images Run runs on."""

from __future__ import annotations

from qtpy.QtCore import QObject, Qt, QTimer

from cellpose_studio.app.images.image_status import status_of
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.session.session import Session
from cellpose_studio.ui.images.panel import ImagesPanel
from cellpose_studio.ui.segment.panel import SegmentPanel

_SCOPES = {
    "image": ("this image", "The image that is shown."),
    "selected": (
        "selected",
        "The images that are selected in the list; Ctrl or Shift selects several.",
    ),
    "listed": ("all listed", "All images that the filter of the list lets through."),
    "untouched": ("untouched", "All images of the project without masks."),
}


class RunScope(QObject):
    """What is chosen beside the Run button, and the images that it comes to.

    More than the image that is shown are run as a queue.
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
        # Many images may change at once.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._say)
        self._connect()

    @property
    def several(self) -> bool:
        """Other images than the one shown may be meant."""
        return bool(self.box.currentData() != "image")

    def images(self) -> list[ProjectImage]:
        """Return the images that Run runs on."""
        scope, shown = self.box.currentData(), self._session.shown
        if scope == "selected":
            return self._images.selected_images()
        if scope == "listed":
            return list(self._images.filtered.images())
        if scope == "untouched":
            return [e for e in self._session.images if status_of(e) == "untouched"]
        return [shown] if shown else []

    def queue(self) -> None:
        """Put the images into the queue, with what the panel says."""
        kinds: dict[bool, list[ProjectImage]] = {}
        for image in self.images():
            # Only stacks can run as 3D.
            kinds.setdefault(image.source.planes > 1, []).append(image)
        for images in kinds.values():
            wanted = self._segment.wanted_for(images[0].source)
            if wanted is not None:
                self._batch.add(images, *wanted)

    def _connect(self) -> None:
        self.box.currentIndexChanged.connect(lambda _: self._say())
        selection = self._images.view.selectionModel()
        selection.selectionChanged.connect(self._later)
        for signal in ("rowsInserted", "rowsRemoved", "modelReset"):
            getattr(self._images.filtered, signal).connect(self._later)
        self._session.images_changed.connect(self._later)
        self._session.masks_changed.connect(self._on_masks)
        self._session.image_changed.connect(self._later)

    def _on_masks(self, change: MasksChange) -> None:
        if change.edit is None:
            self._later()

    def _later(self, *_: object) -> None:
        if self.several and not self._soon.isActive():
            self._soon.start()

    def _say(self) -> None:
        tip = _SCOPES[self.box.currentData()][1]
        self.box.setToolTip(f"<qt>What to run on. {tip}</qt>")
        self._segment.set_count(self._count() if self.several else None)

    def _count(self) -> int:
        if self.box.currentData() == "listed":
            return int(self._images.filtered.rowCount())
        return len(self.images())

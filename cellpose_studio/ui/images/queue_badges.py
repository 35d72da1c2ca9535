"""What the image list says of the queue: who waits, who runs, who failed."""

from __future__ import annotations

from cellpose_studio.app.runs.queue import BatchItem, BatchQueue
from cellpose_studio.app.session.session import Session
from cellpose_studio.ui.images.model import ImageModel


class BatchBadges:
    """Gives the images of the list their badges."""

    def __init__(self, session: Session, batch: BatchQueue, model: ImageModel) -> None:
        self._session = session
        self._batch = batch
        self._model = model
        self._keys: dict[int, str] = {}
        batch.items_changed.connect(self._on_items)
        batch.items_removed.connect(self._on_removed)
        session.project_changed.connect(self._on_project)
        self._on_project()

    def _on_items(self, items: list[BatchItem]) -> None:
        for item in items:
            self._set(item)

    def _on_removed(self, items: list[BatchItem]) -> None:
        for item in items:
            self._clear(item.image)

    def _on_project(self) -> None:
        for key in self._keys.values():
            self._model.set_badge(key, "")
        self._keys.clear()
        self._on_items(list(self._batch.items))

    def _set(self, item: BatchItem) -> None:
        image = self._session.image_of(item.image)
        text = _words(item, image.source.name) if image else ""
        key = image.source.key if image else ""
        # The file may have been found at another place meanwhile.
        if self._keys.get(item.image) != key or not text:
            self._clear(item.image)
        if text:
            self._keys[item.image] = key
            self._model.set_badge(key, text)

    def _clear(self, image: int) -> None:
        if (key := self._keys.pop(image, None)) is not None:
            self._model.set_badge(key, "")


def _words(item: BatchItem, name: str) -> str:
    if item.state == "failed":
        # The name is above it already.
        return f"failed: {item.message.removeprefix(name).lstrip(' :')}"
    return item.state if item.state in ("waiting", "running") else ""

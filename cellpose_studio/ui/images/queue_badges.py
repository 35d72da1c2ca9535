"""Badges of the image list for the states of the run queue."""

from __future__ import annotations

from cellpose_studio.app.runs.queue import BatchItem, BatchQueue
from cellpose_studio.app.session.session import Session
from cellpose_studio.ui.images.model import ImageModel


class BatchBadges:
    """Shows in the image list which runs wait, are running, or failed."""

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
        text = _badge_text(item, image.source.name) if image else ""
        key = image.source.key if image else ""
        # A relinked image has another key: the badge of the old one is removed.
        if self._keys.get(item.image) != key or not text:
            self._clear(item.image)
        if text:
            self._keys[item.image] = key
            self._model.set_badge(key, text)

    def _clear(self, image: int) -> None:
        if (key := self._keys.pop(image, None)) is not None:
            self._model.set_badge(key, "")


def _badge_text(item: BatchItem, name: str) -> str:
    """Return the badge of an item; "" for none."""
    if item.state == "failed":
        # Without the name of the image, which is shown above the badge.
        return f"failed: {item.message.removeprefix(name).lstrip(' :')}"
    return item.state if item.state in ("waiting", "running") else ""

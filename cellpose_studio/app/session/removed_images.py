"""Images that were taken off the list, or replaced in their file by others."""

from __future__ import annotations

from cellpose_studio.app.masks.project_image import Entry
from cellpose_studio.core.images.image import ImageSource

_Identity = tuple[str, str, tuple[int, ...]]


class HiddenImages:
    """Finds an image again when its file is opened with the same pixels."""

    def __init__(self) -> None:
        self._entries: dict[_Identity, list[Entry]] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self._entries.values()))

    def values(self) -> list[Entry]:
        """Return all of them."""
        return [entry for same in self._entries.values() for entry in same]

    def put(self, entry: Entry) -> None:
        """Keep an image."""
        self._entries.setdefault(_identity(entry.image), []).append(entry)

    def take(self, image: ImageSource) -> Entry | None:
        """Return the newest entry of an image, which is hidden no more."""
        same = self._entries.get(_identity(image))
        return same.pop() if same else None


def _identity(image: ImageSource) -> _Identity:
    return image.key, image.fingerprint, tuple(image.shape)

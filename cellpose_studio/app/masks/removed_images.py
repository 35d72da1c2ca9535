"""Images that were taken off the list, or replaced in their file by others."""

from __future__ import annotations

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.images.image import ImageSource

_Identity = tuple[str, str, tuple[int, ...]]


class RemovedImages:
    """Finds an image again when its file is opened with the same pixels."""

    def __init__(self) -> None:
        self._images: dict[_Identity, list[ProjectImage]] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self._images.values()))

    def values(self) -> list[ProjectImage]:
        """Return all of them."""
        return [image for same in self._images.values() for image in same]

    def put(self, image: ProjectImage) -> None:
        """Keep an image."""
        self._images.setdefault(_identity(image.source), []).append(image)

    def take(self, image: ImageSource) -> ProjectImage | None:
        """Return the newest entry of an image, which is hidden no more."""
        same = self._images.get(_identity(image))
        return same.pop() if same else None

    def drop(self, image: ProjectImage) -> bool:
        """Return whether an image was among them, which is hidden no more."""
        same = self._images.get(_identity(image.source), [])
        if image not in same:
            return False
        same.remove(image)
        return True


def _identity(image: ImageSource) -> _Identity:
    return image.key, image.fingerprint, tuple(image.shape)

"""Finds moved images of a project by their content."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.images.fingerprint import fingerprint
from cellpose_studio.io.images.reader import IMAGE_SUFFIXES, is_image_path, open_images


@dataclass(frozen=True)
class LostImage:
    """An image whose file is missing.

    Attributes
    ----------
    asked_axes
        Axes that the user chose; None if the metadata define them.
    """

    image: ImageSource
    asked_axes: str | None = None


def find_lost(
    folder: Path,
    lost: Sequence[LostImage],
    checkpoint: Checkpoint,
    taken: Collection[str] = (),
) -> list[ImageSource | None]:
    """Return each image as found in ``folder`` or below it; None if not found.

    A file matches only if it has the same fingerprint, and the image in it the same
    shape. Files of the same name are checked first. Images whose keys are ``taken``
    are skipped.

    Raises
    ------
    Cancelled
        After a stop.
    """
    search = _Search(lost, set(taken))
    paths = sorted(_candidates(folder, checkpoint), key=search.rank)
    for n, path in enumerate(paths):
        checkpoint.reached(n, len(paths), "looking for images")
        # A fingerprint reads the file, so no more of them are made than necessary.
        if search.done:
            break
        search.look_at(path)
    return search.found


def is_replaced(image: ImageSource) -> bool:
    """Return whether the file of an image is missing or was replaced."""
    try:
        return fingerprint(image.path) != image.fingerprint
    except OSError:
        return True


class _Search:
    """The images that are not found yet, by fingerprint."""

    def __init__(self, lost: Sequence[LostImage], taken: set[str]) -> None:
        self.found: list[ImageSource | None] = [None] * len(lost)
        self._lost = lost
        self._taken = taken
        self._wanted: dict[str, list[int]] = {}
        for n, one in enumerate(lost):
            self._wanted.setdefault(one.image.fingerprint, []).append(n)
        self._names = {one.image.path.name.casefold() for one in lost}
        self._suffixes = {one.image.path.suffix.lower() for one in lost}

    @property
    def done(self) -> bool:
        """Whether all images were found."""
        return not self._wanted

    def rank(self, path: Path) -> tuple[bool, bool, Path]:
        """Return a sort key that puts likely files first."""
        other_name = path.name.casefold() not in self._names
        return other_name, path.suffix.lower() not in self._suffixes, path

    def look_at(self, path: Path) -> None:
        """Match the missing images against a file."""
        try:
            mark = fingerprint(path)
        except OSError:
            return
        waiting = self._wanted.get(mark, [])
        for n in self._by_name(waiting, path):
            if self._take(n, path):
                waiting.remove(n)
        if not waiting:
            self._wanted.pop(mark, None)

    def _by_name(self, waiting: Iterable[int], path: Path) -> list[int]:
        """Return images with the same fingerprint, the one of this name first."""
        name = path.name.casefold()
        names = {n: self._lost[n].image.path.name.casefold() for n in waiting}
        return sorted(names, key=lambda n: names[n] != name)

    def _take(self, n: int, path: Path) -> bool:
        image = _same_image(path, self._lost[n])
        if image is None or image.key in self._taken:
            return False
        # Copies of a file match several missing images, but each stands for one.
        self._taken.add(image.key)
        self.found[n] = image
        return True


def _same_image(path: Path, lost: LostImage) -> ImageSource | None:
    wanted = lost.image
    try:
        images = open_images(path, lost.asked_axes)
    except StudioError:
        return None
    alike = (wanted.scene, wanted.shape, wanted.dtype, wanted.fingerprint)
    return next(
        (i for i in images if (i.scene, i.shape, i.dtype, i.fingerprint) == alike), None
    )


def _candidates(folder: Path, checkpoint: Checkpoint) -> Iterator[Path]:
    """Yield the images in a folder and below; an OME-Zarr counts as one image."""
    if is_image_path(folder):
        yield folder
        return
    for parent, folders, files in os.walk(folder):
        checkpoint.check()
        here = Path(parent)
        images = [name for name in folders if is_image_path(here / name)]
        # `os.walk` goes into the folders that are left in its list, so OME-Zarrs leave
        # it.
        folders[:] = [name for name in folders if name not in images]
        known = [n for n in files if Path(n).suffix.lower() in IMAGE_SUFFIXES]
        yield from (here / name for name in [*images, *known])

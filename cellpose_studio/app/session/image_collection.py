"""The images of a project: which there are, and which is shown."""

from __future__ import annotations

from collections.abc import Iterable

from psygnal import Signal

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.removed_images import RemovedImages
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.project.tables.images import StoredImage, write_image


class ImageCollection:
    """The list of images of the open project; `Session` adds their masks."""

    images_changed = Signal()
    shown_changing = Signal()  # other masks, or another image, are about to be shown
    shown_changed = Signal(object)  # Entry, or None
    labels_changed = Signal(object, str)  # Entry, name of the label set
    image_changed = Signal(object)  # Entry: its status

    def __init__(self, project: Project) -> None:
        self.project = project
        self._images: dict[str, ProjectImage] = {}
        self._hidden = RemovedImages()
        self._by_id: dict[int, ProjectImage] = {}
        self._shown: str | None = None

    @property
    def images(self) -> tuple[ProjectImage, ...]:
        """All images, in the order in which they were added."""
        return tuple(self._images.values())

    @property
    def shown(self) -> ProjectImage | None:
        """The image on the canvas."""
        return self._images.get(self._shown) if self._shown else None

    def image(self, key: str) -> ProjectImage | None:
        """Return the entry of an image key, None if it is not in the list."""
        return self._images.get(key)

    def image_of(self, source: int) -> ProjectImage | None:
        """Return the entry of an image id, None if it is not in the list."""
        image = self._by_id.get(source)
        listed = image and self._images.get(image.source.key) is image
        return image if listed else None

    def add(
        self, sources: Iterable[ImageSource], asked_axes: str | None = None
    ) -> list[ProjectImage]:
        """Add images, or read them anew; return the entries of all of them.

        One that is there already keeps its masks, unless the file was replaced by a
        different one, or its axes were given another meaning.
        """
        images = [self._added(source, asked_axes) for source in sources]
        self.images_changed.emit()
        if any(image is self.shown for image in images):
            self._show(self._shown)
        return images

    def close(self, *keys: str) -> None:
        """Take images off the list; a neighbour is shown in place of the one shown.

        The project keeps their masks, for the day when they are added again.
        """
        before = list(self._images)
        closed = {key: None for key in keys if key in self._images}
        for key in closed:
            self._hide(self._images[key])
            del self._images[key]
        if closed:
            self.images_changed.emit()
        if self._shown in closed:
            at = before.index(self._shown)
            above = [key for key in before[:at] if key not in closed][-1:]
            below = [key for key in before[at:] if key not in closed][:1]
            self._show(next(iter(below or above), None))

    def show(self, key: str) -> None:
        """Put an image on the canvas."""
        if key in self._images and key != self._shown:
            self._show(key)

    def put_active(self, image: ProjectImage, name: str) -> None:
        """Make a label set the active one, as it is; for the undo stack."""
        if image.active != name:
            self.shown_changing.emit()
            self._activate(image, name)
            self.labels_changed.emit(image, name)

    def show_masks(self, image: ProjectImage, name: str) -> None:
        """Put an image on the canvas, with these masks as the active ones."""
        self.put_active(image, name)
        self.show(image.source.key)

    def step(self, by: int, keys: list[str] | None = None) -> None:
        """Show the image ``by`` places further down the list, or down ``keys``."""
        keys = keys or list(self._images)
        if self._shown in keys:
            at = keys.index(self._shown) + by
            self.show(keys[min(max(at, 0), len(keys) - 1)])

    def relink(self, *found: tuple[ProjectImage, ImageSource]) -> None:
        """Say that images of the list lie elsewhere; masks, order and undo stay.

        One whose new place another image of the list has is left as it was.
        """
        moved: dict[str, str] = {}
        new: set[str] = set()
        for image, source in found:
            holder = self._images.get(source.key)
            listed = self._images.get(image.source.key) is image
            if listed and holder in (None, image) and source.key not in new:
                moved[image.source.key] = source.key
                new.add(source.key)
                image.source = source
                self._write(image)
        self._images = {moved.get(key, key): e for key, e in self._images.items()}
        shown = moved.get(self._shown or "")
        self._shown = shown or self._shown
        self.images_changed.emit()
        if shown:
            self._show(shown)

    def set_reviewed(self, image: ProjectImage, reviewed: bool) -> None:
        """Say that the user is done with an image, or not yet."""
        image.reviewed = reviewed
        self._write(image)
        self.image_changed.emit(image)

    def _before_hiding(self, image: ProjectImage) -> None:
        """Do what has to be done before an image goes off the list."""

    def _after_looking(self, image: ProjectImage) -> None:
        """Do what can be done when an image is no longer shown."""

    def _added(self, source: ImageSource, asked_axes: str | None) -> ProjectImage:
        image = self._images.get(source.key)
        if image is not None and not _same_pixels(image.source, source):
            self._hide(image)
            image = None
        image = image or self._hidden.take(source)
        if image is None:
            image = ProjectImage(id=self.project.next_id("image"), source=source)
            self._by_id[image.id] = image
        image.source = source
        image.asked_axes = asked_axes or image.asked_axes
        self._images[source.key] = image
        self._write(image)
        return image

    def _hide(self, image: ProjectImage) -> None:
        self._before_hiding(image)
        self._hidden.put(image)
        self._write(image, hidden=True)

    def _write(self, image: ProjectImage, hidden: bool = False) -> None:
        project = self.project
        stored = StoredImage(
            id=image.id,
            image=image.source,
            asked_axes=image.asked_axes,
            active=image.active,
            reviewed=image.reviewed,
            hidden=hidden,
        )
        # The folder of the time when it is written: the project may go elsewhere.
        project.submit(lambda db: write_image(db, stored, project.folder))

    def _activate(self, image: ProjectImage, name: str) -> None:
        if image.active != name:
            image.active = name
            self._write(image)

    def _show(self, key: str | None) -> None:
        if key != self._shown:
            self.shown_changing.emit()
        left, self._shown = self.shown, key
        if left is not None and left is not self.shown:
            self._after_looking(left)
        self.shown_changed.emit(self.shown)


def _same_pixels(one: ImageSource, other: ImageSource) -> bool:
    return (one.fingerprint, one.shape) == (other.fingerprint, other.shape)

"""The images of a project: which there are, and which is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import overload

from cellpose_studio.app.masks.events import Events
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.removed_images import RemovedImages
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.project.tables.images import StoredImage, write_image


class ImageCollection(Sequence[ProjectImage]):
    """The list of images of a project, in the order in which they were added.

    Images that were removed are known as well: they come back with their masks when
    the same file is added again.
    """

    def __init__(self, project: Project, events: Events) -> None:
        self._project = project
        self._events = events
        self._listed: dict[str, ProjectImage] = {}
        self._removed = RemovedImages()
        self._known: dict[int, ProjectImage] = {}
        self._shown: str | None = None
        for stored in project.stored_images:
            self._take_up(stored)

    @overload
    def __getitem__(self, at: int) -> ProjectImage: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[ProjectImage, ...]: ...

    def __getitem__(self, at: int | slice) -> ProjectImage | tuple[ProjectImage, ...]:
        """Return the image at a place in the list, or those of a part of it."""
        return tuple(self._listed.values())[at]

    def __len__(self) -> int:
        """Return how many images are in the list."""
        return len(self._listed)

    def __iter__(self) -> Iterator[ProjectImage]:
        """Iterate over the list as it is now; it may change meanwhile."""
        return iter(tuple(self._listed.values()))

    @property
    def known(self) -> tuple[ProjectImage, ...]:
        """All images of the project, with those that were removed."""
        return tuple(self._known.values())

    @property
    def shown(self) -> ProjectImage | None:
        """The image on the canvas."""
        return self._listed.get(self._shown) if self._shown else None

    def by_key(self, key: str) -> ProjectImage | None:
        """Return the image of a key, None if it is not in the list."""
        return self._listed.get(key)

    def by_id(self, number: int) -> ProjectImage | None:
        """Return the image of an id, None if it is not in the list."""
        image = self._known.get(number)
        return image if image is not None and self.is_listed(image) else None

    def is_known(self, image: ProjectImage) -> bool:
        """Return whether an image is of this project, be it in the list or not."""
        return self._known.get(image.id) is image

    def is_listed(self, image: ProjectImage) -> bool:
        """Return whether an image is in the list."""
        return self._listed.get(image.source.key) is image

    def is_removed(self, image: ProjectImage) -> bool:
        """Return whether an image of this project was removed from the list."""
        return self.is_known(image) and image in self._removed.values()

    def replaced_by(self, sources: Iterable[ImageSource]) -> list[ProjectImage]:
        """Return the images whose files have other pixels by now."""
        found = ((self._listed.get(source.key), source) for source in sources)
        return [
            image
            for image, source in found
            if image is not None and not _same_pixels(image.source, source)
        ]

    def add(
        self, sources: Iterable[ImageSource], asked_axes: str | None = None
    ) -> list[ProjectImage]:
        """Add images, or read them anew; return all of them.

        One that is there already keeps its masks, unless the file was replaced by a
        different one, or its axes were given another meaning.
        """
        images = [self._added(source, asked_axes) for source in sources]
        self._events.images_changed.emit()
        # The canvas still shows the pixels of the file as it was read before.
        if any(image is self.shown for image in images):
            self._show(self._shown)
        return images

    def remove(self, *keys: str) -> None:
        """Remove images from the list; a neighbour is shown in place of the one shown.

        The project keeps their masks, for the day when they are added again.
        """
        before = list(self._listed)
        removed = {key: None for key in keys if key in self._listed}
        for key in removed:
            self._put_away(self._listed.pop(key))
        if removed:
            self._events.images_changed.emit()
        if self._shown in removed:
            at = before.index(self._shown)
            above = [key for key in before[:at] if key not in removed][-1:]
            below = [key for key in before[at:] if key not in removed][:1]
            self._show(next(iter(below or above), None))

    def put_back(self, *images: ProjectImage) -> None:
        """Put images that were removed back at their place in the list.

        One is left out whose file was added again meanwhile, with other pixels.
        """
        back = {
            image.source.key: image
            for image in images
            if image.source.key not in self._listed and self._removed.drop(image)
        }
        # The order in which images were added is that of their ids.
        listed = [*self._listed.items(), *back.items()]
        self._listed = dict(sorted(listed, key=lambda item: item[1].id))
        for image in back.values():
            self._write(image)
        self._events.images_changed.emit()
        if back:
            self._show(next(iter(back)))

    def show(self, key: str) -> None:
        """Put an image on the canvas."""
        if key in self._listed and key != self._shown:
            self._show(key)

    def show_none(self) -> None:
        """Clear the canvas."""
        self._show(None)

    def step(self, by: int, keys: list[str] | None = None) -> None:
        """Show the image ``by`` places further down the list, or down ``keys``."""
        keys = keys or list(self._listed)
        if self._shown in keys:
            at = keys.index(self._shown) + by
            self.show(keys[min(max(at, 0), len(keys) - 1)])

    def activate(self, image: ProjectImage, name: str) -> None:
        """Make a label set the active one of an image; listeners are not told."""
        if image.active != name:
            image.active = name
            self._write(image)

    def relink(self, *found: tuple[ProjectImage, ImageSource]) -> None:
        """Set where images of the list lie now; masks, order and undo stay.

        One whose new place another image of the list has is left as it was.
        """
        moved: dict[str, str] = {}
        new: set[str] = set()
        for image, source in found:
            holder = self._listed.get(source.key)
            free = holder in (None, image) and source.key not in new
            if self.is_listed(image) and free:
                moved[image.source.key] = source.key
                new.add(source.key)
                image.source = _with_known_sizes(image.source, source)
                self._write(image)
        # The dict is rebuilt, because a new key would move to the end of the list.
        self._listed = {moved.get(key, key): e for key, e in self._listed.items()}
        shown = moved.get(self._shown or "")
        self._shown = shown or self._shown
        self._events.images_changed.emit()
        if shown:
            self._show(shown)

    def set_sizes(self, *changed: tuple[ProjectImage, ImageSource]) -> None:
        """Set the size of pixels of images, and the time between their time points.

        Parameters
        ----------
        changed
            Images of the list, each with a source that has its sizes; where its file
            is may have changed since.
        """
        for image, source in changed:
            image.source = replace(
                image.source,
                pixel_size_um=source.pixel_size_um,
                step_ratio=source.step_ratio,
                interval_s=source.interval_s,
            )
            self._write(image)
        self._events.images_changed.emit()
        # The canvas has the scale of the image as it was shown.
        if any(image is self.shown for image, _ in changed):
            self._show(self._shown)

    def set_reviewed(self, image: ProjectImage, reviewed: bool) -> None:
        """Set whether the user is done with an image."""
        image.reviewed = reviewed
        self._write(image)
        self._events.image_changed.emit(image)

    def _take_up(self, stored: StoredImage) -> None:
        image = self._known[stored.id] = ProjectImage(
            id=stored.id,
            source=stored.image,
            active=stored.active,
            reviewed=stored.reviewed,
            asked_axes=stored.asked_axes,
        )
        if stored.hidden:
            self._removed.put(image)
        else:
            self._listed[stored.image.key] = image

    def _added(self, source: ImageSource, asked_axes: str | None) -> ProjectImage:
        image = self._listed.get(source.key)
        if image is not None and not _same_pixels(image.source, source):
            self._put_away(image)
            image = None
        image = image or self._removed.take(source)
        if image is None:
            image = ProjectImage(id=self._project.next_id("image"), source=source)
            self._known[image.id] = image
        image.source = _with_known_sizes(image.source, source)
        image.asked_axes = asked_axes or image.asked_axes
        self._listed[source.key] = image
        self._write(image)
        return image

    def _put_away(self, image: ProjectImage) -> None:
        self._removed.put(image)
        self._write(image, hidden=True)

    def _write(self, image: ProjectImage, hidden: bool = False) -> None:
        project = self._project
        stored = StoredImage(
            id=image.id,
            image=image.source,
            asked_axes=image.asked_axes,
            active=image.active,
            reviewed=image.reviewed,
            hidden=hidden,
        )
        # The folder at the time of writing: the project may be saved elsewhere first.
        project.submit(lambda db: write_image(db, stored, project.folder))

    def _show(self, key: str | None) -> None:
        if key != self._shown:
            self._events.shown_changing.emit()
        left, self._shown = self.shown, key
        if left is not None and left is not self.shown:
            self._events.shown_left.emit(left)
        self._events.shown_changed.emit(self.shown)


def _same_pixels(one: ImageSource, other: ImageSource) -> bool:
    return (one.fingerprint, one.shape) == (other.fingerprint, other.shape)


def _with_known_sizes(known: ImageSource, found: ImageSource) -> ImageSource:
    """Return an image that was read again, with sizes that the user may have set.

    With the same pixels along the same axes, the file says what it did before, so only
    the user can have changed it.
    """
    if not _same_pixels(known, found) or known.file_axes != found.file_axes:
        return found
    z, y, x = (
        mine or own
        for mine, own in zip(known.pixel_size_um, found.pixel_size_um, strict=True)
    )
    return replace(
        found,
        pixel_size_um=(z, y, x),
        step_ratio=None if z and y else found.step_ratio,
        interval_s=known.interval_s or found.interval_s,
    )

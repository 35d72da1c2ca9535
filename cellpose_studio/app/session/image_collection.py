"""The images of a project: which there are, and which is shown."""

from __future__ import annotations

from collections.abc import Iterable

from psygnal import Signal

from cellpose_studio.app.masks.project_image import Entry
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.removed_images import HiddenImages
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.project.tables.images import StoredImage, write_image


class ProjectImages:
    """The list of images of the open project; `Session` adds their masks."""

    images_changed = Signal()
    shown_changing = Signal()  # other masks, or another image, are about to be shown
    shown_changed = Signal(object)  # Entry, or None
    labels_changed = Signal(object, str)  # Entry, name of the label set
    entry_changed = Signal(object)  # Entry: its status

    def __init__(self, project: Project) -> None:
        self.project = project
        self._entries: dict[str, Entry] = {}
        self._hidden = HiddenImages()
        self._by_id: dict[int, Entry] = {}
        self._shown: str | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All images, in the order in which they were added."""
        return tuple(self._entries.values())

    @property
    def shown(self) -> Entry | None:
        """The image on the canvas."""
        return self._entries.get(self._shown) if self._shown else None

    def entry(self, key: str) -> Entry | None:
        """Return the entry of an image key, None if it is not in the list."""
        return self._entries.get(key)

    def entry_of(self, image: int) -> Entry | None:
        """Return the entry of an image id, None if it is not in the list."""
        entry = self._by_id.get(image)
        listed = entry and self._entries.get(entry.image.key) is entry
        return entry if listed else None

    def add(
        self, images: Iterable[ImageSource], asked_axes: str | None = None
    ) -> list[Entry]:
        """Add images, or read them anew; return the entries of all of them.

        One that is there already keeps its masks, unless the file was replaced by a
        different one, or its axes were given another meaning.
        """
        entries = [self._added(image, asked_axes) for image in images]
        self.images_changed.emit()
        if any(entry is self.shown for entry in entries):
            self._show(self._shown)
        return entries

    def close(self, *keys: str) -> None:
        """Take images off the list; a neighbour is shown in place of the one shown.

        The project keeps their masks, for the day when they are added again.
        """
        before = list(self._entries)
        closed = {key: None for key in keys if key in self._entries}
        for key in closed:
            self._hide(self._entries[key])
            del self._entries[key]
        if closed:
            self.images_changed.emit()
        if self._shown in closed:
            at = before.index(self._shown)
            above = [key for key in before[:at] if key not in closed][-1:]
            below = [key for key in before[at:] if key not in closed][:1]
            self._show(next(iter(below or above), None))

    def show(self, key: str) -> None:
        """Put an image on the canvas."""
        if key in self._entries and key != self._shown:
            self._show(key)

    def put_active(self, entry: Entry, name: str) -> None:
        """Make a label set the active one, as it is; for the undo stack."""
        if entry.active != name:
            self.shown_changing.emit()
            self._activate(entry, name)
            self.labels_changed.emit(entry, name)

    def show_masks(self, entry: Entry, name: str) -> None:
        """Put an image on the canvas, with these masks as the active ones."""
        self.put_active(entry, name)
        self.show(entry.image.key)

    def step(self, by: int, keys: list[str] | None = None) -> None:
        """Show the image ``by`` places further down the list, or down ``keys``."""
        keys = keys or list(self._entries)
        if self._shown in keys:
            at = keys.index(self._shown) + by
            self.show(keys[min(max(at, 0), len(keys) - 1)])

    def relink(self, *found: tuple[Entry, ImageSource]) -> None:
        """Say that images of the list lie elsewhere; masks, order and undo stay.

        One whose new place another image of the list has is left as it was.
        """
        moved: dict[str, str] = {}
        new: set[str] = set()
        for entry, image in found:
            holder = self._entries.get(image.key)
            listed = self._entries.get(entry.image.key) is entry
            if listed and holder in (None, entry) and image.key not in new:
                moved[entry.image.key] = image.key
                new.add(image.key)
                entry.image = image
                self._write(entry)
        self._entries = {moved.get(key, key): e for key, e in self._entries.items()}
        shown = moved.get(self._shown or "")
        self._shown = shown or self._shown
        self.images_changed.emit()
        if shown:
            self._show(shown)

    def set_reviewed(self, entry: Entry, reviewed: bool) -> None:
        """Say that the user is done with an image, or not yet."""
        entry.reviewed = reviewed
        self._write(entry)
        self.entry_changed.emit(entry)

    def _before_hiding(self, entry: Entry) -> None:
        """Do what has to be done before an image goes off the list."""

    def _after_looking(self, entry: Entry) -> None:
        """Do what can be done when an image is no longer shown."""

    def _added(self, image: ImageSource, asked_axes: str | None) -> Entry:
        entry = self._entries.get(image.key)
        if entry is not None and not _same_pixels(entry.image, image):
            self._hide(entry)
            entry = None
        entry = entry or self._hidden.take(image)
        if entry is None:
            entry = Entry(self.project.next_id("image"), image)
            self._by_id[entry.id] = entry
        entry.image = image
        entry.asked_axes = asked_axes or entry.asked_axes
        self._entries[image.key] = entry
        self._write(entry)
        return entry

    def _hide(self, entry: Entry) -> None:
        self._before_hiding(entry)
        self._hidden.put(entry)
        self._write(entry, hidden=True)

    def _write(self, entry: Entry, hidden: bool = False) -> None:
        project = self.project
        stored = StoredImage(
            entry.id,
            entry.image,
            entry.asked_axes,
            entry.active,
            entry.reviewed,
            hidden,
        )
        # The folder of the time when it is written: the project may go elsewhere.
        project.submit(lambda db: write_image(db, stored, project.folder))

    def _activate(self, entry: Entry, name: str) -> None:
        if entry.active != name:
            entry.active = name
            self._write(entry)

    def _show(self, key: str | None) -> None:
        if key != self._shown:
            self.shown_changing.emit()
        left, self._shown = self.shown, key
        if left is not None and left is not self.shown:
            self._after_looking(left)
        self.shown_changed.emit(self.shown)


def _same_pixels(one: ImageSource, other: ImageSource) -> bool:
    return (one.fingerprint, one.shape) == (other.fingerprint, other.shape)

"""What is open: images, their label sets, and which image is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from cellpose_studio.app.history import HeadSwitch, History
from cellpose_studio.core.confidence import Confidence
from cellpose_studio.core.flows import Flows
from cellpose_studio.core.image import ImageSource
from cellpose_studio.core.parameters import SegmentationParameters
from cellpose_studio.core.run import MakesMasks, Segmentation


@dataclass(frozen=True, eq=False)
class LabelSet:
    """Masks of one kind on one image, as they are at present.

    Attributes
    ----------
    name
        The user's: "cells".
    labels
        uint32, of the image's ``label_shape``; never written to.
    origin
        Where they come from, for the user.
    cells
        How many there are.
    run
        The run that they come from; None for imported ones.
    flows
        What the network gave; None where that is not known.
    maker
        Makes masks for other thresholds; None without flows.
    parameters
        What they were made with; for imported ones only what the file says.
    confidence
        How sure the network is of each cell; None where that is not known.
    hint
        Why to try another model; empty where the result looks right.
    """

    name: str
    labels: npt.NDArray[np.uint32]
    origin: str
    cells: int
    run: Segmentation | None = None
    flows: Flows | None = None
    maker: MakesMasks | None = None
    parameters: SegmentationParameters = field(default=SegmentationParameters())
    confidence: Confidence | None = None
    hint: str = ""

    def settings(self) -> dict[str, object]:
        """Return what files of Cellpose's formats say about how they were made."""
        if self.run is None:
            return self.parameters.model_dump(include={"flow_threshold", "min_size"})
        return replace(self.run, parameters=self.parameters).settings()


@dataclass(eq=False)
class Entry:
    """An open image with its label sets by name, and which of them is active."""

    image: ImageSource
    label_sets: dict[str, LabelSet] = field(default_factory=dict)
    active: str = "cells"

    @property
    def labels(self) -> LabelSet | None:
        """The active label set, if it has masks."""
        return self.label_sets.get(self.active)


class Session:
    """The state of the running application, on the GUI thread.

    Panels listen to the signals and read the state; every change goes through a
    method here.
    """

    images_changed = Signal()
    shown_changed = Signal(object)  # Entry, or None
    labels_changed = Signal(object, str)  # Entry, name of the label set

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._shown: str | None = None
        self.undo_stack = History()
        # Each step holds whole label images until there is a project to hold them.
        self.undo_stack.setUndoLimit(30)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All open images, in the order in which they were opened."""
        return tuple(self._entries.values())

    @property
    def shown(self) -> Entry | None:
        """The image on the canvas."""
        return self._entries.get(self._shown) if self._shown else None

    def entry(self, key: str) -> Entry | None:
        """Return the entry of an image key, None if it was closed."""
        return self._entries.get(key)

    def add(self, images: Iterable[ImageSource]) -> list[Entry]:
        """Add images, or read them anew; return the entries of all of them.

        One that is open already keeps its masks, unless the file was replaced by a
        different one, or its axes were given another meaning.
        """
        entries = [self._added(image) for image in images]
        self.images_changed.emit()
        if any(entry is self.shown for entry in entries):
            self._show(self._shown)
        return entries

    def close(self, key: str) -> None:
        """Close an image; its neighbour is shown in its place."""
        keys = list(self._entries)
        if key not in keys:
            return
        at = keys.index(key)
        self.undo_stack.forget(self._entries.pop(key))
        self.images_changed.emit()
        if key == self._shown:
            left = keys[:at][-1:] + keys[at + 1 : at + 2]
            self._show(left[-1] if left else None)

    def show(self, key: str) -> None:
        """Put an image on the canvas."""
        if key in self._entries and key != self._shown:
            self._show(key)

    def step(self, by: int) -> None:
        """Show the image ``by`` places further down the list."""
        keys = list(self._entries)
        if self._shown in keys:
            at = keys.index(self._shown) + by
            self.show(keys[min(max(at, 0), len(keys) - 1)])

    def choose_labels(self, entry: Entry, name: str) -> None:
        """Make the label set of that name the active one of an image."""
        entry.active = name
        self.labels_changed.emit(entry, name)

    def replace_labels(
        self, entry: Entry, labels: LabelSet, text: str, gesture: int | None = None
    ) -> None:
        """Give an image new masks, the active ones, as one step that can be undone.

        Changes of one ``gesture`` are one step. Nothing happens to an image that was
        closed meanwhile.
        """
        if self._entries.get(entry.image.key) is entry:
            self.undo_stack.push(HeadSwitch(self, entry, labels, text, gesture))

    def put(self, key: str, name: str, labels: LabelSet | None) -> None:
        """Set or remove masks without a step; for the undo stack and for previews."""
        entry = self._entries.get(key)
        if entry is None:
            return
        if labels is None:
            entry.label_sets.pop(name, None)
        else:
            entry.label_sets[name] = labels
        self.labels_changed.emit(entry, name)

    def _added(self, image: ImageSource) -> Entry:
        entry = self._entries.get(image.key)
        if entry is None:
            entry = self._entries[image.key] = Entry(image)
        elif _same_pixels(entry.image, image):
            entry.image = image
        else:
            self.undo_stack.forget(entry)
            entry = self._entries[image.key] = Entry(image)
        return entry

    def _show(self, key: str | None) -> None:
        self._shown = key
        self.shown_changed.emit(self.shown)


def _same_pixels(one: ImageSource, other: ImageSource) -> bool:
    return (one.fingerprint, one.shape) == (other.fingerprint, other.shape)

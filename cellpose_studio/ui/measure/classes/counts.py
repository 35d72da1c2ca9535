"""How many cells are in which class: of the image shown, and of all images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import compress

from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.masks.labels import cell_ids
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.ui.services import Services

Ids = frozenset[int]


class ClassCounts(QObject):
    """Counts the cells of classes that are there.

    A cell that was deleted keeps its class for the day when it comes back, and is not
    counted. Which cells there are in masks that are not in memory is read once.
    """

    changed = Signal()

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._ids: dict[int, Ids | None] = {}
        self._known: dict[tuple[int, bool], Counter[int]] = {}
        session = self._session
        session.project_changed.connect(self._forget)
        session.classes_changed.connect(lambda image, *_: self._drop(image))
        session.masks_changed.connect(self._on_masks)

    def of(self, images: Iterable[ProjectImage], by_hand: bool = False) -> Counter[int]:
        """Return the number of cells of the active masks by the id of the class.

        With ``by_hand``, of those that a person put into it.
        """
        found: Counter[int] = Counter()
        for image in images:
            key = image.id, by_hand
            if key not in self._known:
                self._known[key] = self._counted(image, by_hand)
            found.update(self._known[key])
        return found

    def _counted(self, image: ProjectImage, by_hand: bool) -> Counter[int]:
        known = image.classes.get(image.active, {})
        cells = [c for c, one in known.items() if one.by_hand] if by_hand else [*known]
        if not cells or image.masks is None:
            return Counter()
        there = self._there(image.masks, cells)
        return Counter([known[cell].number for cell in there])

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind != "drafted":
            self._drop(change.image)

    def _drop(self, image: ProjectImage) -> None:
        for by_hand in (False, True):
            self._known.pop((image.id, by_hand), None)

    def _forget(self) -> None:
        self._ids.clear()
        self._known.clear()

    def _there(self, masks: LabelSet, cells: Sequence[int]) -> Iterable[int]:
        if masks.pixels.loaded:
            return compress(cells, masks.pixels.cell_table().sizes_of(cells))
        if masks.revision is None:
            return cells
        if masks.revision.id not in self._ids:
            self._read(masks.revision)
        ids = self._ids[masks.revision.id]
        # Until they are read, all are taken for granted.
        return cells if ids is None else ids.intersection(cells)

    def _read(self, revision: LabelRevision) -> None:
        project = self._session.project
        self._ids[revision.id] = None

        def work(_: object) -> Ids:
            return frozenset(cell_ids(project.labels_now(revision)))

        def finish(ids: Ids) -> None:
            self._ids[revision.id] = ids
            self._known.clear()
            self.changed.emit()

        title = "Counting cells"
        self._services.run(title, work, finish, quiet=True, once_left="is dropped")

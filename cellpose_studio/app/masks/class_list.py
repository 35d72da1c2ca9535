"""The classes of the open project, and the classifiers that were trained."""

from __future__ import annotations

from collections.abc import Iterable

from cellpose_studio.app.masks.events import Events
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.provenance.classes.assigned import classifiers_of
from cellpose_studio.core.provenance.classes.cell_class import CellClass, present
from cellpose_studio.core.provenance.classes.classifier_record import ClassifierRecord
from cellpose_studio.io.project.tables.cells.cell_classes import (
    write_class,
    write_classifier,
)


class ClassList:
    """Holds the classes by id, and writes what changes.

    Attributes
    ----------
    classifiers
        The records of all that were trained, by id; the last one is the newest.
    """

    def __init__(self, project: Project, events: Events) -> None:
        stored = project.stored_classes
        self._project = project
        self._events = events
        self._by_id = {one.id: one for one in stored.classes}
        self.classifiers = dict(stored.classifiers)
        self._used: dict[tuple[int, str], frozenset[int | None]] = {}
        events.classes_changed.connect(self._forget_used)

    @property
    def every(self) -> tuple[CellClass, ...]:
        """All classes, also those that were removed."""
        return tuple(self._by_id.values())

    @property
    def present(self) -> tuple[CellClass, ...]:
        """Those that were not removed, in the order of the list."""
        return present(self._by_id.values())

    def get(self, number: int) -> CellClass | None:
        """Return the class of an id; None if there is none, or it was removed."""
        found = self._by_id.get(number)
        return found if found is not None and not found.removed else None

    def used(self, images: Iterable[ProjectImage]) -> list[ClassifierRecord]:
        """Return the classifiers that gave any cell of the project its class."""
        used: set[int | None] = set()
        for image in images if self.classifiers else ():
            for name, cells in image.classes.items():
                key = image.id, name
                if key not in self._used:
                    self._used[key] = classifiers_of(cells)
                used |= self._used[key]
        return [one for number, one in self.classifiers.items() if number in used]

    def next_id(self) -> int:
        """Return an id for a new class."""
        return self._project.next_id("cell_class")

    def put(self, *classes: CellClass) -> None:
        """Add classes, or change those of the same ids."""
        for one in classes:
            self._by_id[one.id] = one
        self._project.submit(
            *(lambda db, one=one: write_class(db, one) for one in classes)
        )
        self._events.class_list_changed.emit()

    def record(self, classifier: ClassifierRecord) -> int:
        """Keep the record of a classifier that was trained; return its id."""
        number = self._project.next_id("classifier")
        self._record(number, classifier)
        self._events.class_list_changed.emit()
        return number

    def take(self, other: ClassList) -> None:
        """Take the classes and classifiers of another project, with their ids."""
        for one in other.every:
            self._project.reserve("cell_class", one.id)
        for number, classifier in other.classifiers.items():
            self._project.reserve("classifier", number)
            self._record(number, classifier)
        self.put(*other.every)

    def _forget_used(self, image: ProjectImage, name: str, _: object) -> None:
        self._used.pop((image.id, name), None)

    def _record(self, number: int, classifier: ClassifierRecord) -> None:
        self.classifiers[number] = classifier
        self._project.submit(lambda db: write_classifier(db, number, classifier))

"""What is told of the classes of the cells of masks, beside the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cellpose_studio.core.provenance.classes.assigned import Assigned, classifiers_of
from cellpose_studio.core.provenance.classes.cell_class import CellClass, present
from cellpose_studio.core.provenance.classes.classifier_record import ClassifierRecord
from cellpose_studio.core.wording import listed


@dataclass(frozen=True, kw_only=True)
class ClassWork:
    """The classes that cells of masks were put into.

    Attributes
    ----------
    classes
        Those of the project, in the order of the list.
    assigned
        The class of each cell that is in one of them, by id.
    classifiers
        Those that gave cells their class, by id.
    """

    classes: tuple[CellClass, ...]
    assigned: Mapping[int, Assigned]
    classifiers: Mapping[int, ClassifierRecord]

    @property
    def by_hand(self) -> bool:
        """Whether a person put any cell into its class."""
        return any(one.by_hand for one in self.assigned.values())

    @property
    def text(self) -> str:
        """What was done, in a sentence or two."""
        used = {one.number for one in self.assigned.values()}
        names = listed([one.name for one in self.classes if one.id in used])
        how = "by hand" if self.by_hand else "by a classifier"
        if self.by_hand and self.classifiers:
            how = "by hand and the others by a classifier"
        noun = "classes" if len(used) > 1 else "class"
        records = " ".join(f"Classifier: {o.text}" for o in self.classifiers.values())
        return f"Cells were put into the {noun} {names} {how}. {records}".rstrip()


def together(works: Iterable[ClassWork | None]) -> ClassWork | None:
    """Return what is known of the classes of the cells of several masks.

    Their cells are counted on, since masks share ids. None if no cell has a class.
    """
    found = [one for one in works if one is not None]
    if not found:
        return None
    every = (one for work in found for one in work.assigned.values())
    return ClassWork(
        classes=found[0].classes,
        assigned=dict(enumerate(every, 1)),
        classifiers={n: one for work in found for n, one in work.classifiers.items()},
    )


def class_work(
    classes: Iterable[CellClass],
    assigned: Mapping[int, Assigned],
    classifiers: Mapping[int, ClassifierRecord],
) -> ClassWork | None:
    """Return what is known of the classes of cells; None if no cell has one.

    Parameters
    ----------
    classes, classifiers
        All of the project.
    assigned
        By id of the cell.
    """
    there = present(classes)
    ids = {one.id for one in there}
    found = {cell: one for cell, one in assigned.items() if one.number in ids}
    if not found:
        return None
    used = classifiers_of(found)
    return ClassWork(
        classes=there,
        assigned=found,
        classifiers={n: one for n, one in classifiers.items() if n in used},
    )

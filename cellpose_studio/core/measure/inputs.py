"""What cells are measured by, beside their pixels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.grey_calibration import RAW, GreyCalibration
from cellpose_studio.core.provenance.classes.assigned import Assigned

Region = tuple[slice, ...]
Ids = npt.NDArray[np.uint32]
Values = npt.NDArray[np.float64]

_IMPORTED, _RUN, DRAWN, EDITED = "imported", "run", "drawn", "edited"
"""Origins of a cell."""
BY_HAND, BY_CLASSIFIER = "hand", "classifier"
"""Who says of which class a cell is."""


class Pixels(Protocol):
    """An array, or what reads parts of one: its index has a slice for each axis."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes: YX, ZYX, TYX or TZYX."""
        ...

    def __getitem__(self, region: Region) -> npt.NDArray[np.generic]: ...


@dataclass(frozen=True, kw_only=True)
class ChannelInfo:
    """What the columns of a channel are called, and what their values are.

    Attributes
    ----------
    name
        For the names of columns.
    grey
        What the file says that a grey value stands for.
    """

    name: str
    grey: GreyCalibration = RAW


@dataclass(frozen=True, kw_only=True)
class Channel(ChannelInfo):
    """One channel of an image.

    Attributes
    ----------
    pixels
        Of the shape of the labels.
    """

    pixels: Pixels


@dataclass(frozen=True, kw_only=True)
class CellClasses:
    """The classes that the cells of an image are sorted into.

    Attributes
    ----------
    known
        Names of the classes by their id, in the order of the list.
    assigned
        Class of the cells by their id; cells without a class are left out.
    text
        How the classifier was made; "" if there is none.
    """

    known: Mapping[int, str]
    assigned: Mapping[int, Assigned] = field(default_factory=dict)
    text: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all classes."""
        return tuple(self.known.values())

    def of(self, ids: Ids) -> list[Assigned | None]:
        """Return what is known of the class of each cell, if there is that class."""
        there = self.known.keys()
        found = map(self.assigned.get, ids.tolist())
        return [one if one and one.number in there else None for one in found]

    def names_of(self, found: Sequence[Assigned | None]) -> npt.NDArray[np.str_]:
        """Return the names of the classes that `of` returned; "" for none."""
        places = {number: n for n, number in enumerate(self.known, start=1)}
        rows = [places[one.number] if one else 0 for one in found]
        # Making an array of thousands of texts would take ten times as long.
        return np.array(["", *self.known.values()], str)[np.array(rows, np.intp)]


def class_sources(found: Sequence[Assigned | None]) -> npt.NDArray[np.str_]:
    """Return who said of which class each cell is; "" where nobody did."""
    rows = [0 if one is None else 1 + one.by_hand for one in found]
    return np.array(["", BY_CLASSIFIER, BY_HAND], str)[np.array(rows, np.intp)]


def class_probabilities(found: Sequence[Assigned | None]) -> Values:
    """Return the probability of each class, NaN where no classifier said it."""
    # NumPy makes NaN of None.
    return np.array([one.probability if one else None for one in found], np.float64)


@dataclass(frozen=True, kw_only=True)
class CellFacts:
    """What is known of cells that their pixels do not tell, by id.

    Ids that are missing are not known.

    Attributes
    ----------
    flow_errors, probabilities, uncertainties
        As in `Confidence` and `Review`.
    statuses
        "accepted", "rejected" or "later".
    drawn, edited
        Cells made by hand, and cells whose shape was changed by hand.
    origin
        Of all other cells, as of `origin_of`; "" if it is not known.
    classes
        None in a project without classes.
    """

    flow_errors: Mapping[int, float] = field(default_factory=dict)
    probabilities: Mapping[int, float] = field(default_factory=dict)
    uncertainties: Mapping[int, float] = field(default_factory=dict)
    statuses: Mapping[int, str] = field(default_factory=dict)
    drawn: Collection[int] = frozenset()
    edited: Collection[int] = frozenset()
    origin: str = ""
    classes: CellClasses | None = None

    def origins(self, ids: Ids) -> npt.NDArray[np.str_]:
        """Return the origin of each cell; a drawn one that was edited is drawn."""
        drawn = np.isin(ids, np.array([*self.drawn], np.uint32))
        edited = np.isin(ids, np.array([*self.edited], np.uint32))
        names = np.where(edited, EDITED, self.origin)
        return np.where(drawn, DRAWN, names)

    def status_of(self, ids: Ids) -> npt.NDArray[np.str_]:
        """Return the status of each cell; "" for none."""
        return np.array([self.statuses.get(cell, "") for cell in ids.tolist()], str)


def by_id(known: Mapping[int, float], ids: Ids) -> Values:
    """Return the value of each cell, NaN where it is not known."""
    nan = float("nan")
    return np.array([known.get(cell, nan) for cell in ids.tolist()], np.float64)


def origin_of(is_run: bool) -> str:
    """Return the origin of cells that nobody drew: a run, or an import."""
    return _RUN if is_run else _IMPORTED

"""The rows of the table of measurements: cells of one image, or of all images."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.columns import Column
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.summary import CLASS

Kind = Literal["number", "count", "yes or no", "text"]
Values = npt.NDArray[Any]

CELL, TIME, IMAGE = "cell", "time", "image"
"""Names of the columns that say which cell a row is of."""
TRACK = "track"
"""Group of the columns of tracks."""
SUMMARY = "summary"
"""Key and group of the columns that a summary of images always has."""
EXPERIMENT = "experiment"
"""Group of the columns of the experiment."""

_COUNTS = ("count",)
_IMAGE_TIP = "The file of the image."
_EXPERIMENT_TIP = "Column of the experiment, as it was given."


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column that the table can show.

    Attributes
    ----------
    name
        Unique in a table, as in files: "area_um2".
    key
        What is remembered when the user chooses it: "area", "mean". All channels, and
        px and µm, have one key.
    heading, tip
        Title with unit, and how it is computed.
    kind
        How values are written.
    group
        Where the list of columns has it.
    channel
        Number of the channel; -1 without one.
    twin
        The name of the column with the same values in µm, which is shown instead.
    """

    name: str
    key: str
    heading: str
    tip: str
    kind: Kind = "number"
    group: str = "cell"
    channel: int = -1
    twin: str = ""

    @property
    def is_text(self) -> bool:
        """Whether its values are texts."""
        return self.kind == "text"


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """One row for each cell at each time point.

    Attributes
    ----------
    fields
        The columns.
    values
        (N,) by the name of the field: float64 with NaN, or texts with "".
    cells, times
        (N,) id and time point, from 0.
    images
        (N,) id of the image in the project.
    """

    fields: tuple[Field, ...] = ()
    values: Mapping[str, Values] = field(default_factory=dict)
    cells: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, "u4"))
    times: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, "i8"))
    images: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, "i8"))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.cells)

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by name."""
        return {one.name: one for one in self.fields}

    @cached_property
    def texts(self) -> frozenset[str]:
        """The names of fields whose values are texts."""
        return frozenset(one.name for one in self.fields if one.is_text)

    @cached_property
    def numbers(self) -> tuple[Field, ...]:
        """The fields with numbers that plots and colours offer.

        Times and ids of tracks come after what was measured of them.
        """
        found = (
            one
            for one in self.fields
            if not one.is_text and not one.twin and one.name not in (CELL, TIME)
        )
        return tuple(sorted(found, key=_is_of_time))

    @property
    def colouring(self) -> tuple[Field, ...]:
        """The fields that cells can be coloured by: those with numbers, and the class.

        The class comes first.
        """
        return (*(one for one in self.fields if one.key == CLASS), *self.numbers)

    def find(self, word: str) -> str | None:
        """Return the name of the field that a word of the filter line stands for."""
        return self._words.get(" ".join(word.casefold().split()))

    def shown(self, keys: Collection[str]) -> tuple[Field, ...]:
        """Return the fields of chosen keys; those in µm instead of those in px.

        Columns of the experiment and the class are always among them, and the class
        comes before what was measured.
        """
        found = [
            one
            for one in self.fields
            if not one.twin and (one.key in (*keys, CLASS) or one.group == EXPERIMENT)
        ]
        leading = (CELL, TIME)
        return tuple(
            sorted(
                found,
                key=lambda one: (
                    one.group != EXPERIMENT and one.key not in leading,
                    one.key != CLASS,
                ),
            )
        )

    def row(self, cell: int, image: int, time: int = 0) -> int:
        """Return the row of a cell; -1 if there is none."""
        same = (self.cells == cell) & (self.images == image)
        found = np.flatnonzero(same & (self.times == time))
        # Where the cell is not at that time, it is found at another one.
        found = found if len(found) else np.flatnonzero(same)
        return int(found[0]) if len(found) else -1

    @cached_property
    def _words(self) -> dict[str, str]:
        words: dict[str, str] = {}
        # The first wins: a name before a title, and µm before px.
        for one in self.fields:
            words.setdefault(one.name.casefold(), one.name)
            words.setdefault(one.name.replace("_", " ").casefold(), one.name)
        for one in self.fields:
            if not one.twin:
                words.setdefault(one.key.casefold(), one.name)
                words.setdefault(one.key.replace("_", " ").casefold(), one.name)
                title = one.heading.partition(",")[0]
                words.setdefault(title.casefold(), one.name)
        words.setdefault("id", CELL)
        return words


def _is_of_time(one: Field) -> bool:
    """Return whether a field tells when a track is, or which others belong to it."""
    return one.group == TRACK and one.kind == "count"


def rows_of(measured: Measurements, image: int) -> Rows:
    """Return the rows of the cells of one image of the project, by its id."""
    return Rows(
        fields=(*leading_fields(measured.in_time), *fields_of(measured.columns)),
        values={
            CELL: measured.ids.astype(np.float64),
            # As on the slider, time points are counted from 1.
            TIME: measured.times + 1.0,
            **measured.values,
        },
        cells=measured.ids,
        times=measured.times,
        images=np.full(len(measured), image, np.int64),
    )


TIME_FIELD = Field(
    name=TIME,
    key=TIME,
    heading="Time",
    tip="The time point, counted from 1 as on the slider.",
    kind="count",
)


def leading_fields(in_time: bool) -> tuple[Field, ...]:
    """Return the fields that say which cell a row is of."""
    cell = Field(
        name=CELL,
        key=CELL,
        heading="Cell",
        tip="The number of the cell in the masks.",
        kind="count",
    )
    return (cell, TIME_FIELD) if in_time else (cell,)


def fields_of(columns: Sequence[Column]) -> tuple[Field, ...]:
    """Return the fields of measured columns."""
    in_um = {(one.key, one.channel): one.name for one in columns if one.in_um}
    return tuple(
        Field(
            name=one.name,
            key=one.key,
            heading=one.heading,
            tip=one.text,
            kind=_kind(one),
            group=one.compartment or one.group,
            channel=one.channel,
            twin="" if one.in_um else in_um.get((one.key, one.channel), ""),
        )
        for one in columns
    )


def with_texts(rows: Rows, by_image: Mapping[int, Mapping[str, str]]) -> Rows:
    """Return rows with columns of texts in front, which are the same for an image.

    Parameters
    ----------
    by_image
        By the id of an image, the text of each column by its name; the same columns for
        all images. Texts that rows have already are replaced; a column with the name
        of a measurement is listed as ``NAME_experiment``.
    """
    others = tuple(one for one in rows.fields if one.group != EXPERIMENT)
    taken = {one.name for one in others}
    given = {name: name for row in by_image.values() for name in row}
    names = {f"{key}_experiment" if key in taken else key: key for key in given}
    ids, place = np.unique(rows.images, return_inverse=True)
    texts = {
        name: np.array([by_image.get(n, {}).get(key, "") for n in ids.tolist()], str)
        for name, key in names.items()
    }
    own = tuple(
        Field(
            name=name,
            key=name,
            heading="Image" if name == IMAGE else name,
            tip=_IMAGE_TIP if name == IMAGE else _EXPERIMENT_TIP,
            kind="text",
            group=EXPERIMENT,
        )
        for name in names
    )
    values = {one.name: rows.values[one.name] for one in others}
    if len(ids):
        values |= {name: found[place] for name, found in texts.items()}
    else:
        values |= dict.fromkeys(names, np.zeros(0, "U1"))
    return replace(rows, fields=(*own, *others), values=values)


def joined(parts: Iterable[Rows]) -> Rows:
    """Return the rows of several images under each other.

    Where an image lacks a column, its values are not known.
    """
    several = list(parts)
    if not several:
        return Rows()
    fields: dict[str, Field] = {}
    for part in several:
        for one in part.fields:
            known = fields.get(one.name)
            # A column in px has a twin in µm only if it has one in all images.
            if known is None or (known.twin and not one.twin):
                fields[one.name] = one
    return Rows(
        fields=tuple(fields.values()),
        values={
            name: np.concatenate([_values(part, one) for part in several])
            for name, one in fields.items()
        },
        cells=np.concatenate([part.cells for part in several]),
        times=np.concatenate([part.times for part in several]),
        images=np.concatenate([part.images for part in several]),
    )


def _values(part: Rows, wanted: Field) -> Values:
    if wanted.name in part.by_name:
        return part.values[wanted.name]
    return np.full(len(part), "" if wanted.is_text else np.nan)


def _kind(column: Column) -> Kind:
    if column.is_text:
        return "text"
    quantity = column.definition.quantity
    if quantity == "yes or no":
        return "yes or no"
    is_area = quantity == "area" and column.is_whole
    return "count" if quantity in _COUNTS or is_area else "number"

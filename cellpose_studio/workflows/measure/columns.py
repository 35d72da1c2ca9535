"""The columns of one table over many images."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.grey_calibration import RAW, GreyCalibration
from cellpose_studio.core.measure.columns import Column, columns_of
from cellpose_studio.core.measure.compartments.choice import PARTS
from cellpose_studio.core.measure.compartments.columns import compartment_columns
from cellpose_studio.core.measure.compartments.definitions import NUCLEI, RATIOS
from cellpose_studio.core.measure.definition import GROUPS, Group
from cellpose_studio.core.measure.definitions import DEFINITIONS
from cellpose_studio.core.measure.experiment.values import (
    ExperimentUnfit,
    Row,
    columns_in,
)
from cellpose_studio.core.measure.inputs import ChannelInfo
from cellpose_studio.core.measure.scale import Scale, scale_of
from cellpose_studio.core.measure.summary import SummaryColumn, summary_columns
from cellpose_studio.io.tables.table import TableColumn
from cellpose_studio.workflows.measure.items import ImageToMeasure

EXPERIMENT_TEXT = "Column of the experiment, as the user gave it."

_IMAGE = TableColumn(
    name="image",
    kind="text",
    text="Name of the image file and, in brackets, of its scene; with folders where "
    "two images have the same name.",
)
_MASKS = TableColumn(
    name="masks", kind="text", text="Name of the masks that were measured."
)
_TIME = TableColumn(name="time", kind="whole", text="Time point, counted from 1.")
_CELL = TableColumn(name="cell", kind="whole", text="Id of the cell in the masks.")
_PIXEL = tuple(
    TableColumn(
        name=f"pixel_{axis}_um",
        kind="number",
        unit="µm",
        text=f"Size of a pixel along {axis.upper()}; empty where it is not known.",
    )
    for axis in "zyx"
)
_FILE = TableColumn(name="file", kind="text", text="Path of the image file.")
_CALIBRATION = TableColumn(
    name="calibration",
    kind="text",
    text="What was done to grey values before they were measured; empty for nothing.",
)
_OF_EACH = (
    "Calibrations of grey values differ between images: the column calibration of the "
    "table of images has them."
)
_DIFFERENT = (
    "The images differ in what their grey values stand for, so intensities of one "
    "image cannot be compared with those of another: see the column calibration."
)


@dataclass(frozen=True, kw_only=True)
class WhatToMeasure:
    """What is measured of each image.

    Attributes
    ----------
    groups
        Groups of measurements.
    channels
        Numbers of the channels, from 0; None for all.
    pixel_um, step_um
        Size of a pixel and distance of planes, µm, in place of what the files say.
    """

    groups: Collection[Group] = GROUPS
    channels: Collection[int] | None = None
    pixel_um: float | None = None
    step_um: float | None = None

    def scale(self, item: ImageToMeasure) -> Scale:
        """Return the size of a pixel of an image."""
        image = item.image
        z, y, x = image.pixel_size_um
        if self.pixel_um is not None:
            y = x = self.pixel_um
        return scale_of(replace(image, pixel_size_um=(self.step_um or z, y, x)))

    def channels_of(self, item: ImageToMeasure) -> list[int]:
        """Return the numbers of the channels of an image that are measured."""
        every = range(item.image.channels)
        return [n for n in every if self.channels is None or n in self.channels]


@dataclass(frozen=True, kw_only=True)
class TableColumns:
    """The columns of both tables: of cells, and of images.

    Attributes
    ----------
    experiment
        Names of the columns of the experiment.
    notes
        What the user has to know of them, one sentence each.
    """

    cells: tuple[TableColumn, ...]
    images: tuple[TableColumn, ...]
    experiment: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[TableColumn, ...]:
        """All columns, each once."""
        by_name = {column.name: column for column in (*self.cells, *self.images)}
        return tuple(by_name.values())


def table_columns(
    items: Sequence[ImageToMeasure], what: WhatToMeasure, experiment: Iterable[Row]
) -> TableColumns:
    """Return the columns that images have together, in the order in which they come.

    No pixel is read for that.

    Raises
    ------
    ExperimentUnfit
        If a column of the experiment has the name of one that is measured.
    """
    measured: dict[str, Column] = {}
    mixed: dict[str, Column] = {}
    summed: dict[str, SummaryColumn] = {}
    for item in items:
        names = item.image.channel_names
        grey = _grey_of(item) if "intensity" in what.groups else RAW
        scale, deep = what.scale(item), item.image.planes > 1
        channels = [
            ChannelInfo(name=names[n], grey=grey) for n in what.channels_of(item)
        ]
        columns = columns_of(
            scale, deep, channels, what.groups, item.has_facts, item.classes
        )
        if (choice := item.compartments) is not None:
            columns += compartment_columns(choice, scale, deep, channels, what.groups)
        for column in columns:
            known = measured.setdefault(column.name, column)
            if (known.unit, known.text) == (column.unit, column.text):
                continue
            if column.channel < 0:
                measured[column.name] = _of_both(known, column)
            else:
                mixed[column.name] = measured[column.name] = _mixed(known, column)
        classes = item.classes if "review" in what.groups else None
        more = summary_columns(columns, classes.names if classes else ())
        summed |= {c.name: c for c in more if c.name not in summed}
    # Their means mix calibrations as they do.
    summed |= {c.name: c for c in summary_columns(list(mixed.values()))}
    names = columns_in(experiment)
    _check_names(names, (*measured, *summed))
    given = tuple(
        TableColumn(name=name, kind="text", text=EXPERIMENT_TEXT) for name in names
    )
    return TableColumns(
        cells=(_IMAGE, *given, _MASKS, _TIME, _CELL, *_of_cells(measured.values())),
        images=(
            _IMAGE,
            *given,
            _MASKS,
            _TIME,
            *(_of_image(column) for column in summed.values()),
            *_PIXEL,
            _CALIBRATION,
            _FILE,
        ),
        experiment=names,
        notes=(_DIFFERENT,) if mixed else (),
    )


def _grey_of(item: ImageToMeasure) -> GreyCalibration:
    try:
        return item.image.grey_calibration
    # It is told when the image is measured; the columns of the others stay.
    except ImageUnreadable:
        return RAW


def _mixed(one: Column, other: Column) -> Column:
    """Return a column whose calibration differs between images."""
    where = f"Of the {one.compartment}: " if one.compartment else ""
    return replace(
        one,
        unit=one.unit if one.unit == other.unit else "",
        text=f"{where}{one.definition.text} {_OF_EACH}",
    )


def _of_both(one: Column, other: Column) -> Column:
    """Return a column of projects in which different classifiers gave the classes."""
    more = other.text.removeprefix(other.definition.text).strip()
    return one if more in one.text else replace(one, text=f"{one.text} {more}")


def _check_names(experiment: Iterable[str], measured: Iterable[str]) -> None:
    taken = {name.casefold() for name in measured}
    for name in experiment:
        if name.casefold() in taken:
            raise ExperimentUnfit(
                f"The column {name} of the experiment has the name of a measurement.",
                "Give it another name.",
            )


def _of_cells(columns: Iterable[Column]) -> list[TableColumn]:
    return [
        TableColumn(
            name=column.name,
            kind="text" if column.is_text else "whole" if column.is_whole else "number",
            unit=column.unit,
            text=column.text,
        )
        for column in _in_order(columns)
    ]


def _in_order(columns: Iterable[Column]) -> list[Column]:
    """Return columns of several images in the order of those of one image.

    Those of a channel stay together, also where another image lacks it.
    """
    listed = list(columns)
    channels = dict.fromkeys(c.channel_name for c in listed)
    order = {name: n for n, name in enumerate(channels)}
    groups: tuple[Group, ...] = (*GROUPS, "compartments")
    definitions = (*DEFINITIONS, *NUCLEI, *RATIOS)
    return sorted(
        listed,
        key=lambda c: (
            _place_of(c),
            groups.index(c.group),
            order[c.channel_name],
            definitions.index(c.definition),
            c.in_um,
        ),
    )


def _place_of(column: Column) -> int:
    """Return where a column stands: of whole cells, of nuclei, of parts, ratios."""
    if column.compartment:
        return 2 + PARTS.index(column.compartment)
    if column.group != "compartments":
        return 0
    return 1 if column.definition in NUCLEI else 2 + len(PARTS)


def _of_image(column: SummaryColumn) -> TableColumn:
    kind: Literal["whole", "number"] = "whole" if column.is_count else "number"
    return TableColumn(name=column.name, kind=kind, unit=column.unit, text=column.text)

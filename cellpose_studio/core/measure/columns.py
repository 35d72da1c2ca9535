"""The columns of a table of measurements, with their units in their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.compartments.choice import Part
from cellpose_studio.core.measure.definition import GROUPS, Definition, Group
from cellpose_studio.core.measure.definitions import CLASSES, FACTS, INTENSITIES, SHAPES
from cellpose_studio.core.measure.inputs import CellClasses, ChannelInfo
from cellpose_studio.core.measure.scale import Scale

Values = npt.NDArray[np.float64]

_PX = {
    "length": "px",
    "area": "px",
    "volume": "voxels",
    "surface": "px²",
    "position": "px",
    "edge": "px",
}
"""Units of the quantities that have a second column in µm."""

_UM = {
    "length": "µm",
    "area": "µm²",
    "volume": "µm³",
    "surface": "µm²",
    "position": "µm",
    "edge": "µm",
}
_WHOLE = ("area", "volume", "edge")
"""Quantities that are counted, in px or voxels."""

_ASCII = str.maketrans({"µ": "u", "²": "2", "³": "3"})


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table of measurements.

    Attributes
    ----------
    name
        Unique in a table, ASCII where the name of the channel is: "area_um2",
        "mean_DAPI", "eccentricity".
    title
        For people, without the unit: "Area", "Mean of DAPI".
    unit
        "px", "µm²", "°", or that of a calibration of grey values; "" for none.
    definition
        The measurement that it is of.
    channel
        Number of the channel; -1 for all columns but those of intensities.
    channel_name
        Its name in the names of columns; "" likewise.
    compartment
        "nucleus", "cytoplasm" or "ring"; "" for the whole cell.
    text
        How the values are computed.
    """

    name: str
    title: str
    unit: str
    definition: Definition
    channel: int = -1
    channel_name: str = ""
    compartment: Part | Literal[""] = ""
    text: str

    @property
    def key(self) -> str:
        """The measurement, whatever the channel and the unit: "nucleus_area"."""
        name = self.definition.name
        return f"{self.compartment}_{name}" if self.compartment else name

    @property
    def group(self) -> Group:
        """The group of measurements that it belongs to."""
        return self.definition.group

    @property
    def is_text(self) -> bool:
        """Whether the values are texts, not numbers."""
        return self.definition.quantity == "text"

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers, where they are known."""
        quantity = self.definition.quantity
        counted = quantity in ("count", "yes or no")
        return counted or (quantity in _WHOLE and not self.in_um)

    @property
    def in_um(self) -> bool:
        """Whether this is the column in µm of a measurement that has one in px, too."""
        return self.unit.startswith("µm") and self.definition.quantity in _UM

    @property
    def heading(self) -> str:
        """Title and unit: "Area, µm²"."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


def columns_of(
    scale: Scale,
    deep: bool,
    channels: Sequence[ChannelInfo] = (),
    groups: Collection[Group] = GROUPS,
    facts: bool = False,
    classes: CellClasses | None = None,
) -> tuple[Column, ...]:
    """Return the columns that the cells of an image have.

    Parameters
    ----------
    scale
        Columns in µm are there if it has a size.
    deep
        Whether the image is a stack.
    facts
        Whether anything is known of the cells beside their pixels.
    classes
        Those of the project; None without.
    """
    found: list[Column] = []
    for definition in SHAPES:
        if definition.group in groups and _exists(definition, deep):
            found += _in_both_units(definition, scale.um is not None)
    if "intensity" in groups:
        for number, (channel, slug) in enumerate(
            zip(channels, slugs([one.name for one in channels]), strict=True)
        ):
            found += [
                _of_channel(definition, number, channel, slug)
                for definition in INTENSITIES
            ]
    if facts and "review" in groups:
        found += [fact_column(definition) for definition in FACTS]
        found += class_columns(classes) if classes is not None else ()
    return tuple(found)


def class_columns(classes: CellClasses) -> tuple[Column, ...]:
    """Return the columns about the classes of cells."""
    return tuple(fact_column(one, classes.text) for one in CLASSES)


def fact_column(definition: Definition, more: str = "") -> Column:
    """Return the column of what has no unit and no channel; ``more`` is said of it."""
    return Column(
        name=definition.name,
        title=definition.title,
        unit="",
        definition=definition,
        text=f"{definition.text} {more}".strip(),
    )


def in_um(values: Values, definition: Definition, scale: Scale) -> Values:
    """Return values of a measurement, px or indices, in µm, µm² or µm³."""
    if scale.sizes_um is None or scale.um is None:
        return np.full_like(values, np.nan)
    quantity = definition.quantity
    if quantity == "position":
        return values * scale.sizes_um[definition.axis]
    if quantity == "edge":
        # The centre of the first pixel is 0, and half a pixel lies before it.
        return (values - 0.5) * scale.sizes_um[definition.axis]
    factors = {
        "length": scale.um,
        "surface": scale.um**2,
        "area": scale.pixel_um2,
        "volume": scale.voxel_um3,
    }
    return values * factors[quantity]


def slugs(names: Sequence[str]) -> list[str]:
    """Return names as parts of names of columns: no two are the same.

    Signs that are neither letters nor digits become underscores.
    """
    found: list[str] = []
    for name in names:
        slug = base = re.sub(r"\W+", "_", name).strip("_") or "channel"
        number = 1
        while slug.casefold() in {one.casefold() for one in found}:
            number += 1
            slug = f"{base}_{number}"
        found.append(slug)
    return found


def _exists(definition: Definition, deep: bool) -> bool:
    return definition.deep if deep else definition.flat


def _in_both_units(definition: Definition, known: bool) -> list[Column]:
    quantity = definition.quantity
    if quantity not in _PX:
        unit = "°" if quantity == "degrees" else ""
        name = f"{definition.name}_deg" if unit else definition.name
        return [
            Column(
                name=name,
                title=definition.title,
                unit=unit,
                definition=definition,
                text=definition.text,
            )
        ]
    return [
        Column(
            name=f"{definition.name}_{unit.translate(_ASCII)}",
            title=definition.title,
            unit=unit,
            definition=definition,
            text=definition.text,
        )
        for unit in (_PX[quantity], *([_UM[quantity]] if known else []))
    ]


def _of_channel(
    definition: Definition, number: int, channel: ChannelInfo, slug: str
) -> Column:
    return Column(
        name=f"{definition.name}_{slug}",
        title=f"{definition.title} of {channel.name}",
        unit=channel.grey.unit,
        definition=definition,
        channel=number,
        channel_name=slug,
        text=f"{definition.text} {channel.grey.text}".strip(),
    )

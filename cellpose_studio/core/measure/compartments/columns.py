"""The columns of compartments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from cellpose_studio.core.measure.columns import Column, columns_of, fact_column, slugs
from cellpose_studio.core.measure.compartments.choice import (
    PARTS,
    CompartmentChoice,
    Part,
)
from cellpose_studio.core.measure.compartments.definitions import NUCLEI, RATIOS
from cellpose_studio.core.measure.definition import Group
from cellpose_studio.core.measure.inputs import ChannelInfo
from cellpose_studio.core.measure.scale import Scale

GROUPS_OF: dict[Part, tuple[Group, ...]] = {
    "nucleus": ("size", "position", "shape", "hull", "intensity"),
    "cytoplasm": ("size", "intensity"),
    "ring": ("size", "intensity"),
}
"""What is measured of each compartment, if it is asked for."""

_OF_IMAGE = "background"
"""It is the same for all compartments, and outside of cells, not of nuclei."""
_CORRECTED = "mean_corrected"
_CORRECTED_TEXT = "Mean minus background of the cell."


def part_groups(part: Part, groups: Collection[Group]) -> list[Group]:
    """Return the groups that are measured of a compartment."""
    return [group for group in GROUPS_OF[part] if group in groups]


def compartment_columns(
    choice: CompartmentChoice,
    scale: Scale,
    deep: bool,
    channels: Sequence[ChannelInfo],
    groups: Collection[Group],
) -> tuple[Column, ...]:
    """Return the columns that compartments add to those of the cells.

    The parameters are those of `columns_of`.
    """
    texts = choice.texts()
    found = [fact_column(one, f"Nucleus: {texts['nucleus']}.") for one in NUCLEI]
    for part in (part for part in PARTS if part in choice.parts):
        found += [
            of_part(column, part, texts[part])
            for column in columns_of(scale, deep, channels, part_groups(part, groups))
            if column.definition.name != _OF_IMAGE
        ]
    if {"nucleus", "cytoplasm"} <= {*choice.parts} and "intensity" in groups:
        names = slugs([one.name for one in channels])
        found += [
            Column(
                name=f"{one.name}_{slug}",
                title=f"{one.title} of {channel.name}",
                unit="",
                definition=one,
                channel=number,
                channel_name=slug,
                text=one.text,
            )
            for number, (channel, slug) in enumerate(zip(channels, names, strict=True))
            for one in RATIOS
        ]
    return tuple(found)


def of_part(column: Column, part: Part, text: str) -> Column:
    """Return the column of a compartment; ``text`` says what that is."""
    what = column.text
    if column.definition.name == _CORRECTED:
        what = what.replace(column.definition.text, _CORRECTED_TEXT)
    return replace(
        column,
        name=f"{part}_{column.name}",
        title=f"{part.capitalize()}: {column.title}",
        text=f"Of the {part} ({text}): {what}",
        compartment=part,
    )

"""The tables of docs/measurements.md, made from the records.

PYTHONPATH=. python tests/core/measure/page.py prints them.
"""

from __future__ import annotations

from cellpose_studio.core.measure.columns import Column, columns_of
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice
from cellpose_studio.core.measure.compartments.columns import compartment_columns
from cellpose_studio.core.measure.definition import GROUPS
from cellpose_studio.core.measure.definitions import DEFINITIONS
from cellpose_studio.core.measure.inputs import CellClasses, ChannelInfo
from cellpose_studio.core.measure.scale import Scale

TITLES = {
    "size": "Size",
    "position": "Position",
    "shape": "Shape",
    "hull": "Convex hull",
    "intensity": "Intensity, for each channel",
    "neighbours": "Neighbours",
    "review": "Review, of projects",
}


def tables() -> str:
    """Return a table for each group; a row for each measurement with its columns."""
    scale, channel = Scale(um=1.0), [ChannelInfo(name="CHANNEL")]
    every: dict[str, tuple[Column, set[str]]] = {}
    for deep, where in ((False, "planes"), (True, "stacks")):
        classes = CellClasses(known={})
        for column in columns_of(
            scale, deep, channel, GROUPS, facts=True, classes=classes
        ):
            every.setdefault(column.name, (column, set()))[1].add(where)
    parts = []
    for group in GROUPS:
        rows: dict[str, list[tuple[Column, set[str]]]] = {}
        for column, where in every.values():
            if column.group == group:
                rows.setdefault(column.definition.name, []).append((column, where))
        lines = [f"## {TITLES[group]}", "", "| column | of | definition |", "|-|-|-|"]
        names = [one.name for one in DEFINITIONS]
        for _, columns in sorted(rows.items(), key=lambda row: names.index(row[0])):
            heads = "<br>".join(f"`{column.name}`" for column, _ in columns)
            (column, where), *_ = columns
            of = "all" if len(where) == 2 else where.pop()
            lines.append(f"| {heads} | {of} | {column.text} |")
        parts.append("\n".join(lines))
    parts.append(compartments())
    return "\n\n".join(parts) + "\n"


def compartments() -> str:
    """Return the table of what only nuclei and cells together have."""
    choice = CompartmentChoice(nuclei="NUCLEI")
    channel = [ChannelInfo(name="CHANNEL")]
    columns = compartment_columns(choice, Scale(um=1.0), False, channel, GROUPS)
    rows = [
        f"| `{column.name}` | all | {column.definition.text} |"
        for column in columns
        if not column.compartment
    ]
    lines = ["## Nuclei and cells", "", "| column | of | definition |", "|-|-|-|"]
    return "\n".join([*lines, *rows])


if __name__ == "__main__":
    print(tables(), end="")

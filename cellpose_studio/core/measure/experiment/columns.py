"""Columns of the experiment of a project, by the ids of its images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cellpose_studio.core.measure.experiment.values import columns_in, spelt_alike

EXPERIMENT_STATE = "experiment"
"""Under which name a project stores them."""

_VALUES, _COLUMNS = "images", "columns"


@dataclass(frozen=True, kw_only=True)
class ExperimentColumns:
    """The columns, and their values by the id of the image.

    Attributes
    ----------
    names
        In the order of the table.
    values
        Images without a value are left out.
    """

    names: tuple[str, ...] = ()
    values: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    def of(self, image: int) -> dict[str, str]:
        """Return the value of every column for an image; "" where it has none."""
        known = self.values.get(image, {})
        return {name: known.get(name, "") for name in self.names}

    def merged(self, rows: Mapping[int, Mapping[str, str]]) -> ExperimentColumns:
        """Return the columns with the values of some images set, by their ids.

        A name that differs from that of a column only by case is that column.
        """
        values = {image: dict(known) for image, known in self.values.items()}
        alike = spelt_alike(rows.values(), self.names)
        for image, row in zip(rows, alike, strict=True):
            values.setdefault(image, {}).update(row)
        names = dict.fromkeys((*self.names, *columns_in(alike)))
        return ExperimentColumns(names=tuple(names), values=values)

    def without(self, name: str) -> ExperimentColumns:
        """Return the columns without one of them."""
        return ExperimentColumns(
            names=tuple(other for other in self.names if other != name),
            values={
                image: {key: value for key, value in row.items() if key != name}
                for image, row in self.values.items()
            },
        )

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        rows = {str(image): dict(row) for image, row in self.values.items() if row}
        return {_COLUMNS: list(self.names), _VALUES: rows}


def columns_from(state: Mapping[str, Any]) -> ExperimentColumns:
    """Return columns from JSON; a damaged project may hold any value."""
    names, rows = state.get(_COLUMNS), state.get(_VALUES)
    known = tuple(filter(_is_text, _list(names)))
    values = {
        int(image): {key: row[key] for key in known if _is_text(row.get(key))}
        for image, row in (rows.items() if isinstance(rows, dict) else ())
        if str(image).isdecimal() and isinstance(row, dict)
    }
    return ExperimentColumns(names=known, values=values)


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _is_text(value: object) -> bool:
    return isinstance(value, str)

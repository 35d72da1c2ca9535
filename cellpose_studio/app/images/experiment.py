"""Columns of the experiment: what the user knows of the images of a project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from psygnal import Signal

from cellpose_studio.app.session.session import Session
from cellpose_studio.core.measure.experiment import columns_in
from cellpose_studio.io.project.tables.window_state import write_state

STATE = "experiment"
"""Under which name the project stores them."""

_VALUES, _BEFORE, _COLUMNS = "images", "before", "columns"


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
        """Return the columns with the values of some images set, by their ids."""
        values = {image: dict(known) for image, known in self.values.items()}
        for image, row in rows.items():
            values.setdefault(image, {}).update(row)
        names = dict.fromkeys((*self.names, *columns_in(rows.values())))
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


class Experiment:
    """The columns of the open project; changes are written to it at once."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._columns = ExperimentColumns()
        self._before: ExperimentColumns | None = None
        self._load()
        session.project_changed.connect(self._on_project)

    @property
    def columns(self) -> ExperimentColumns:
        """The columns now."""
        return self._columns

    @property
    def before(self) -> ExperimentColumns | None:
        """The columns before the last change; None if there was none."""
        return self._before

    def set(self, columns: ExperimentColumns) -> None:
        """Replace the columns; those until now can be brought back."""
        if columns == self._columns:
            return
        self._before, self._columns = self._columns, columns
        state = {**columns.as_json(), _BEFORE: self._before.as_json()}
        self._session.project.remember(lambda db: write_state(db, STATE, state))
        self.changed.emit()

    def _on_project(self) -> None:
        self._load()
        self.changed.emit()

    def _load(self) -> None:
        state = self._session.project.experiment
        self._columns = columns_from(state)
        before = state.get(_BEFORE)
        self._before = columns_from(before) if isinstance(before, dict) else None


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

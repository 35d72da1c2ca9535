"""Columns of the experiment: what the user knows of the images of a project."""

from __future__ import annotations

from psygnal import Signal

from cellpose_studio.app.session.session import Session
from cellpose_studio.core.measure.experiment_columns import (
    EXPERIMENT_STATE,
    ExperimentColumns,
    columns_from,
)
from cellpose_studio.io.project.tables.window_state import write_state

_BEFORE = "before"


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
        self._session.project.remember(
            lambda db: write_state(db, EXPERIMENT_STATE, state)
        )
        self.changed.emit()

    def _on_project(self) -> None:
        self._load()
        self.changed.emit()

    def _load(self) -> None:
        state = self._session.project.experiment
        self._columns = columns_from(state)
        before = state.get(_BEFORE)
        self._before = columns_from(before) if isinstance(before, dict) else None

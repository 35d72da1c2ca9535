"""Columns of the experiment: what the user knows of the images of a project."""

from __future__ import annotations

from collections.abc import Sequence

from psygnal import Signal

from cellpose_studio.app.session.session import Session
from cellpose_studio.core.measure.experiment.columns import (
    EXPERIMENT_STATE,
    ExperimentColumns,
    columns_from,
)

_EARLIER = "earlier"
_MOST_EARLIER = 20
"""How many states the project keeps."""


class Experiment:
    """The columns of the open project; changes are written to it at once."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._columns = ExperimentColumns()
        self._earlier: tuple[ExperimentColumns, ...] = ()
        self._load()
        session.project_changed.connect(self._on_project)

    @property
    def columns(self) -> ExperimentColumns:
        """The columns now."""
        return self._columns

    @property
    def earlier(self) -> tuple[ExperimentColumns, ...]:
        """The columns before each of the last changes, the latest one last."""
        return self._earlier

    def set(
        self,
        columns: ExperimentColumns,
        earlier: Sequence[ExperimentColumns] | None = None,
    ) -> None:
        """Replace the columns.

        Parameters
        ----------
        earlier
            What can be brought back then; None for what could be, and the columns until
            now.
        """
        if columns == self._columns:
            return
        kept = (*self._earlier, self._columns) if earlier is None else earlier
        self._columns, self._earlier = columns, tuple(kept[-_MOST_EARLIER:])
        states = [one.as_json() for one in self._earlier]
        state = {**columns.as_json(), _EARLIER: states}
        self._session.project.set_state(EXPERIMENT_STATE, state)
        self.changed.emit()

    def _on_project(self) -> None:
        self._load()
        self.changed.emit()

    def _load(self) -> None:
        state = self._session.project.state(EXPERIMENT_STATE)
        self._columns = columns_from(state)
        earlier = state.get(_EARLIER)
        self._earlier = tuple(
            columns_from(one)
            for one in (earlier if isinstance(earlier, list) else ())
            if isinstance(one, dict)
        )

"""Divides, cuts and joins tracks of the masks shown; each is one undo step."""

from __future__ import annotations

from collections.abc import Sequence

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.tracks import TrackRefused, cut_track, join_tracks
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.masks.lineage import Spans
from cellpose_studio.core.matching.divisions import (
    DivisionRefused,
    divide,
    divided_track,
    merged,
    spans_of,
    without_divisions,
)
from cellpose_studio.core.provenance.revision import CellChanges, MotherChanges
from cellpose_studio.core.wording import counted, listed
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits

_FEWEST_TO_JOIN = 2


class Divider:
    """Changes tracks and divisions; what cannot be done is told in a sentence."""

    def __init__(self, context: ToolContext, edits: CellEdits) -> None:
        self._context = context
        self._edits = edits

    def is_film(self) -> bool:
        """Return whether masks of a time series are shown and in memory."""
        image = self._context.image
        return (
            image is not None
            and image.source.frames > 1
            and self._context.labels is not None
        )

    @property
    def mothers(self) -> dict[int, int]:
        """The mother of each daughter in the masks shown."""
        image = self._context.image
        return {} if image is None else image.mothers.get(image.active, {})

    def spans(self) -> Spans:
        """Return the time points of the cells of the masks shown."""
        return spans_of(self._context.table)

    def divide_at(self, mother: int, daughter: int, time: int) -> None:
        """Make a cell a daughter of another one that divided before a time point.

        If the mother's track goes on, it is cut there: what follows is a daughter, too.
        """
        span = self.spans().get(mother)
        if span is None:
            self._tell(DivisionRefused(f"There is no cell {mother}.", ""))
        elif span[1] < time:
            self.divide(mother, [daughter])
        else:
            self._cut(mother, time, [] if daughter == mother else [daughter])

    def divide(self, mother: int, daughters: Sequence[int]) -> None:
        """Make cells the daughters of a cell."""
        image = self._context.image
        if image is None or self._context.labels is None:
            return
        try:
            changes = divide(self.mothers, self.spans(), mother, daughters)
        except DivisionRefused as refused:
            self._tell(refused)
            return
        names = [str(cell) for cell in daughters]
        self._context.session.change_cells(
            image, "Set division", CellChanges(mothers=changes)
        )
        what = "Cell" if len(names) == 1 else "Cells"
        verb = "is a daughter" if len(names) == 1 else "are daughters"
        self._note(f"{what} {listed(names)} {verb} of cell {mother}.")

    def cut_division(self, cells: Sequence[int]) -> None:
        """Remove the divisions that cells take part in."""
        image = self._context.image
        changes = without_divisions(self.mothers, cells)
        if image is None or not changes:
            self._note("The chosen cell has neither a mother nor daughters.")
            return
        self._context.session.change_cells(
            image, "Cut division", CellChanges(mothers=changes)
        )
        self._note(
            f"{counted(len(changes), 'daughter')} and the mother are not linked any "
            "more. Undo (Ctrl+Z) links them again."
        )

    def cut_track(self, cell: int, time: int) -> None:
        """Give a cell a new id from a time point on."""
        self._cut(cell, time, None)

    def join(self, cells: Sequence[int]) -> None:
        """Make one track of several; it has the id of the earliest cell."""
        context, image = self._context, self._context.image
        if context.labels is None or image is None or len(cells) < _FEWEST_TO_JOIN:
            return

        def work(
            labels: Labels, table: CellTable, cells: Sequence[int], _: Checkpoint
        ) -> LabelEdit | TrackRefused:
            try:
                return join_tracks(labels, table, cells)
            except TrackRefused as refused:
                return refused

        def done(found: LabelEdit | TrackRefused) -> None:
            if isinstance(found, TrackRefused):
                self._tell(found)
                return
            mothers = merged(image.mothers.get(image.active, {}), found.cells)
            context.session.edit(image, found, CellChanges(mothers=mothers))
            context.choose(found.cells[0])

        self._edits.compute("Join tracks", cells, work, done)

    def _cut(self, cell: int, time: int, sisters: Sequence[int] | None) -> None:
        """Cut a track; with ``sisters``, it divides there: they are daughters, too."""
        context, image = self._context, self._context.image
        if context.labels is None or image is None:
            return
        spans, mothers = dict(self.spans()), self.mothers

        def work(
            labels: Labels, table: CellTable, _: Sequence[int], __: Checkpoint
        ) -> tuple[LabelEdit, int, MotherChanges] | StudioError:
            try:
                edit, new = cut_track(labels, table, cell, time)
                changes = divided_track(mothers, cell, new)
                if sisters is not None:
                    now = {**mothers, **dict.fromkeys(changes, new)}
                    first, last = spans[cell]
                    after = {**spans, cell: (first, time - 1), new: (time, last)}
                    changes |= divide(now, after, cell, [new, *sisters])
            except (TrackRefused, DivisionRefused) as refused:
                return refused
            return edit, new, changes

        def done(found: tuple[LabelEdit, int, MotherChanges] | StudioError) -> None:
            if isinstance(found, StudioError):
                self._tell(found)
                return
            edit, new, changed = found
            status = image.statuses.get(image.active, {}).get(cell)
            of_class = image.classes.get(image.active, {}).get(cell)
            changes = CellChanges(
                statuses={new: (None, status)} if status else {},
                mothers=changed,
                classes={new: (None, of_class)} if of_class else {},
            )
            context.session.edit(image, edit, changes)
            if sisters is None:
                self._note(f"Cell {cell} is cell {new} from time point {time + 1} on.")
            else:
                names = listed([str(one) for one in sorted((new, *sisters))])
                self._note(
                    f"Cell {cell} divides before time point {time + 1}, into {names}."
                )

        self._edits.compute("Cut track", [cell], work, done)

    def _note(self, text: str) -> None:
        self._edits.background.noted.emit(text)

    def _tell(self, refused: StudioError) -> None:
        self._edits.background.noted.emit(f"{refused.message} {refused.hint}".strip())

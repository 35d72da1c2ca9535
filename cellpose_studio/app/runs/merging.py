"""Brings new masks together with those present, while the user goes on with these."""

from __future__ import annotations

from dataclasses import dataclass

from cellpose_studio.app.jobs import Work
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.merging.merge import MasksState, merge_into
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError


@dataclass(frozen=True, eq=False)
class Merged:
    """New masks, and what became of the merge.

    Attributes
    ----------
    labels
        With what stays of the present masks; as they were made if that failed.
    error
        Why they could not be merged; None if they were.
    """

    labels: LabelSet
    error: StudioError | None = None


class Merging:
    """Plans the work that remains until new masks can replace those present.

    Only the GUI thread reads the live masks: a worker merges a snapshot.
    If they have changed when it is done, it has to be done again, as often as it
    takes; a merge of many cells takes a second, for which the window must not stop.
    """

    def __init__(self, session: Session, image: ProjectImage) -> None:
        self._session = session
        self._project = session.project
        self._image = image
        self._new: LabelSet | None = None
        self._seen: MasksState | None = None

    def next(self, result: Merged) -> Work | None:
        """Return the work that is left; None if ``result`` fits the present masks.

        For the GUI thread, as `Job` calls it. At first, ``result`` has the masks as
        they were made.
        """
        if result.error is not None:
            return None
        if self._new is None:
            self._new = result.labels
        state = MasksState.of(self._image, self._new.name)
        if self._fits(state):
            # What is drawn until now is part of the present masks, too.
            self._session.end_stroke()
            state = MasksState.of(self._image, self._new.name)
            if self._fits(state):
                return None
        return self._merge(self._new, state)

    def _fits(self, state: MasksState) -> bool:
        if self._seen is None:
            return state.masks is None
        return state.is_same(self._seen)

    def _merge(self, new: LabelSet, state: MasksState) -> Work:
        self._seen = state.released()
        states = [state]
        is_shown, statuses = self._session.shown is self._image, dict(state.statuses)

        def work(checkpoint: Checkpoint) -> Merged:
            # The snapshot is released with the state, at the end.
            try:
                merged = merge_into(self._project, states.pop(), new, checkpoint)
            except StudioError as error:
                return Merged(new, error)
            # In this thread, or the first edit would wait for it.
            merged.pixels.load()
            if is_shown:
                merged.pixels.draw_ahead(statuses)
            return Merged(merged)

        return work

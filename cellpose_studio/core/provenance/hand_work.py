"""What a user did by hand to masks."""

from __future__ import annotations

from dataclasses import dataclass

from cellpose_studio.core.provenance.revision import JournalEntry


@dataclass(frozen=True, kw_only=True)
class HandWork:
    """What was done by hand before the masks of a run were made, and after that.

    Attributes
    ----------
    before
        Edits of earlier masks of which the run kept something.
    kept
        Number of cells of the earlier masks that the run kept, because they had been
        accepted, drawn or edited.
    left_out
        Number of cells that the run left out, because they had been deleted.
    together
        Number of cells of the run and of those kept; None if unknown.
    after
        Edits of the masks of the run.
    in_region
        Whether the run was limited to a region; it kept all cells outside of it.
    """

    before: tuple[JournalEntry, ...] = ()
    kept: int = 0
    left_out: int = 0
    together: int | None = None
    after: tuple[JournalEntry, ...] = ()
    in_region: bool = False

    @property
    def was_merged(self) -> bool:
        """Whether the run took anything over from the masks before it."""
        return bool(self.kept or self.left_out)


NO_HAND_WORK = HandWork()

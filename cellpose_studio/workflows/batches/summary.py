"""What is said of a run on one image, wherever it was done."""

from __future__ import annotations

from dataclasses import dataclass

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.runs.hints import Hint
from cellpose_studio.core.runs.segmentation import Blocks, RunResult
from cellpose_studio.io.masks.export import Saved


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run and its files, without its pixels.

    Attributes
    ----------
    uncertain
        How many of the cells are.
    diameter
        Px.
    seconds
        How long the run took.
    notes
        What the user should know, one sentence each.
    hint
        What to try for a better result.
    files
        Names of the files that were written.
    reasons
        Why others were not.
    """

    cells: int
    uncertain: int
    diameter: float | None
    seconds: float
    notes: tuple[str, ...]
    hint: Hint
    blocks: Blocks | None
    files: tuple[str, ...]
    reasons: tuple[CannotSave, ...]

    @classmethod
    def of(cls, result: RunResult, saved: Saved) -> RunSummary:
        """Return the summary of a run that was saved."""
        return cls(
            cells=len(result.confidence.ids),
            uncertain=int(result.confidence.uncertain.sum()),
            diameter=result.parameters.diameter,
            seconds=result.seconds,
            notes=result.notes,
            hint=result.hint,
            blocks=result.blocks,
            files=tuple(file.name for file in saved.files),
            reasons=tuple(saved.reasons),
        )

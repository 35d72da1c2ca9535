"""Gives nuclei the ids of their cells, as one step that can be undone."""

from __future__ import annotations

from collections.abc import Callable

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.operations import Changed, Operations
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.measure.compartments.matching import match_nuclei
from cellpose_studio.io.masks.mapped import empty_labels

TITLE = "Give nuclei the ids of their cells"


def give_nuclei_ids(
    edits: BackgroundEdits,
    image: ProjectImage,
    cells: LabelSet,
    nuclei: LabelSet,
    least: float,
    done: Callable[[int], None],
) -> None:
    """Give nuclei the ids of their cells, in a job; masks shown stay those.

    Nuclei without a cell, and all but the largest of a cell, get ids that no cell has.
    What is known of nuclei goes with them.

    Parameters
    ----------
    cells, nuclei
        Label sets of the image, both in memory.
    least
        As of `match_nuclei`.
    done
        Called with how many nuclei have another id now; 0 if all had these already.
    """
    in_time = image.source.frames > 1
    first = max(cells.pixels.highest, nuclei.pixels.highest) + 1
    taken = [cells.pixels.snapshot()]
    moved = [0]

    def operation(operations: Operations, _: Checkpoint) -> Changed | None:
        of_cells = taken.pop().array(empty_labels)
        found = match_nuclei(operations.present, of_cells, least, in_time)
        names = found.names(image.source.frames, first)
        changed = operations.rename(names, TITLE)
        if changed is not None and changed.renaming is not None:
            before = changed.renaming.before.items()
            moved[0] = sum(new not in olds for new, olds in before)
        return changed

    edits.change_masks(image, TITLE, operation, lambda _: done(moved[0]), nuclei.name)

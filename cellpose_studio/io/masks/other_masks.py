"""Says which other files of masks of an image hold other cells than those taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.matching.compare import compare_labels
from cellpose_studio.core.wording import listed

Labels = npt.NDArray[Any]


def note_on_others(
    taken: Path, labels: Labels, others: Sequence[Path], read: Callable[[Path], Labels]
) -> str:
    """Return a sentence about files that disagree with those taken; "" if none does.

    Cells with the same pixels agree, whatever their numbers. A file that cannot be read
    disagrees.

    Parameters
    ----------
    taken
        The file that is preferred.
    labels
        Its label image.
    read
        Reads the label image of another file; may raise `StudioError`.
    """
    differing = [path.name for path in others if _differs(labels, path, read)]
    if not differing:
        return ""
    verb = "holds" if len(differing) == 1 else "hold"
    return f"{listed(differing)} {verb} other cells than {taken.name}, which was taken."


def _differs(labels: Labels, path: Path, read: Callable[[Path], Labels]) -> bool:
    try:
        other = read(path)
    except StudioError:
        return True
    if other.shape != labels.shape:
        return True
    before, after = (np.ascontiguousarray(one, np.uint32) for one in (labels, other))
    return compare_labels(before, after).pixels > 0

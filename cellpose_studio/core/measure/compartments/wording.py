"""What was found when nuclei and cells were matched, as a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from cellpose_studio.core.measure.compartments.matching import NucleiInCells
from cellpose_studio.core.wording import cell_count, listed


def match_text(matches: Sequence[NucleiInCells]) -> str:
    """Return what was found, "40 nuclei in 38 cells; 2 cells without a nucleus"."""
    orphans, empty, several = (
        sum(len(one.remarkable[kind].ids) for one in matches) for kind in range(3)
    )
    nuclei = sum(len(one.nuclei.ids) for one in matches)
    cells = sum(len(one.cells.ids) for one in matches)
    found = [
        f"{nucleus_count(orphans)} in no cell" if orphans else "",
        f"{cell_count(empty)} without a nucleus" if empty else "",
        f"{cell_count(several)} with several nuclei" if several else "",
    ]
    text = f"{nucleus_count(nuclei)}, {cell_count(cells)}"
    told = [*filter(None, found)]
    return f"{text}: {listed(told)}." if told else f"{text}: one nucleus in each cell."


def nucleus_count(number: int) -> str:
    """Return a number of nuclei as a text: "1 nucleus", "1,200 nuclei"."""
    return "1 nucleus" if number == 1 else f"{number:,} nuclei"

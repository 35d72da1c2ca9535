"""Divisions that linked cells suggest; a person decides on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.matching.compare import shared_pixels
from cellpose_studio.core.matching.divisions import spans_of

_LEAST = 0.25
"""Part of a daughter that lies where her mother was before."""

_FEWEST = 2  # daughters


def propose_divisions(
    labels: Labels,
    table: CellTable,
    mothers: Mapping[int, int],
    checkpoint: Checkpoint | None = None,
) -> dict[int, int]:
    """Return possible mothers of cells, by the daughter.

    Two cells or more that begin at a time point may be daughters of a cell that ended
    just before, if a quarter of each lies where that cell was.

    Parameters
    ----------
    labels
        TYX or TZYX, with linked cells.
    mothers
        Divisions that are known: no other mother is proposed for their daughters, and
        no more daughters for their mothers.
    """
    checkpoint = checkpoint or Checkpoint()
    divided = {*mothers.values()}
    ending: defaultdict[int, list[int]] = defaultdict(list)
    beginning: defaultdict[int, list[int]] = defaultdict(list)
    for cell, (first, last) in spans_of(table).items():
        if cell not in divided:
            ending[last].append(cell)
        if cell not in mothers:
            beginning[first].append(cell)
    found: dict[int, int] = {}
    for t in range(1, len(labels)):
        checkpoint.reached(t, len(labels), "Looking for divisions, time point")
        ended, begun = ending[t - 1], beginning[t]
        if not ended or len(begun) < _FEWEST:
            continue
        olds, news, shared = shared_pixels(labels[t - 1], labels[t])
        sizes = np.bincount(np.searchsorted(begun, news), shared * np.isin(news, begun))
        near = np.isin(olds, ended) & np.isin(news, begun)
        near &= shared >= _LEAST * sizes[np.searchsorted(begun, news)]
        # A daughter that lies on two cells comes from the one with most of her pixels.
        order = np.argsort(shared[near], kind="stable")
        pairs = zip(news[near][order].tolist(), olds[near][order].tolist(), strict=True)
        mother = dict(pairs)
        counts = Counter(mother.values())
        found |= {d: m for d, m in mother.items() if counts[m] >= _FEWEST}
    return found

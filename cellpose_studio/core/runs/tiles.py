"""How many tiles a network runs along a side of a plane."""

from __future__ import annotations

import math

from cellpose_studio.core.runs.parameters import SegmentationParameters


def tiles_along(
    length: int, tile: int, parameters: SegmentationParameters
) -> tuple[int, int]:
    """Return the number of tiles along a padded side, and their length.

    These are the numbers of Cellpose's `make_tiles`. They are computed without pixels,
    so that the number of all tiles is known before the run.

    Parameters
    ----------
    length
        Of the side, px of the network.
    tile
        Side of the tiles that the network was made for.
    """
    if parameters.augment:
        return max(2, math.ceil(2 * length / tile)), tile
    if length <= tile:
        return 1, length
    return math.ceil((1 + 2 * parameters.tile_overlap) * length / tile), tile

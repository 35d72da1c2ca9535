"""Rendering of labels: one byte per pixel, coloured by a look-up table.

Bits 0 to 6 of the byte are the colour of the cell, 1 to `COLOURS`, or 0 for
background; the values above are for `core.display.label_marks`. Bit 7 marks the
outline. Fill and outline are switched on and off in the table alone, so that the
picture need not be drawn again.
"""

from __future__ import annotations

from collections.abc import Collection
from colorsys import hsv_to_rgb

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled

# Beside the bit for the outline, a byte has 127 values other than background, and three
# of them are for reviewed cells.
COLOURS = 124
OUTLINE = 0x80

MARK_COLOURS = ((0.0, 0.85, 0.55), (0.95, 0.3, 0.1), (1.0, 0.8, 0.0))
"""RGB of the values above: accepted, rejected, later."""
_MARK_FILL = 0.5
"""Opacity of their fill relative to other cells, so that reviewed cells recede."""

Labels = npt.NDArray[np.uint32]
LabelPicture = npt.NDArray[np.uint8]
Box = tuple[slice, ...]


def draw_labels(labels: Labels) -> LabelPicture:
    """Return the picture of labels (Y, X) or, plane by plane, (Z, Y, X).

    The outline of a cell is its pixels that touch something else, as in
    `core.masks.labels.outlines`. Releases the GIL.
    """
    drawn = np.empty(labels.shape, np.uint8)
    redraw_labels(drawn, labels, tuple(slice(0, size) for size in labels.shape))
    return drawn


def redraw_labels(drawn: LabelPicture, labels: Labels, box: Box) -> Box:
    """Redraw the region that a change of ``labels`` inside ``box`` affects.

    Parameters
    ----------
    drawn
        The picture of ``labels`` before the change; modified in place.
    labels
        The labels after the change, of the same shape.
    box
        A slice per axis, with a start and a stop within the labels.

    Returns
    -------
    Box
        The redrawn region: ``box`` and a border of one pixel in its planes.
    """
    height, width = labels.shape[-2:]
    *planes, rows, columns = box
    # Whether a pixel is outline depends on its neighbours, which may have changed.
    top, bottom = max(rows.start - 1, 0), min(rows.stop + 1, height)
    left, right = max(columns.start - 1, 0), min(columns.stop + 1, width)
    changed, redrawn = labels[tuple(planes)], drawn[tuple(planes)]
    for plane in np.ndindex(changed.shape[:-2]):
        _draw(changed[plane], redrawn[plane], top, bottom, left, right)
    return (*planes, slice(top, bottom), slice(left, right))


def palette() -> npt.NDArray[np.float32]:
    """Return RGB (`COLOURS`, 3), 0 to 1, of cells.

    Hues advance by the golden angle, and brightness cycles through three levels, so
    that neighbouring cells differ in one of them, also for colour-blind readers.
    """
    golden = (3 - 5**0.5) / 2
    levels = ((0.95, 0.75), (0.6, 1.0), (0.85, 0.5))  # saturation, value
    colours = [
        hsv_to_rgb(n * golden % 1, *levels[n % len(levels)]) for n in range(COLOURS)
    ]
    return np.array(colours, np.float32)


def uncertainty_palette() -> npt.NDArray[np.float32]:
    """Return RGB (`COLOURS`, 3), 0 to 1, from uncertain to certain: orange to blue.

    A pale yellow lies between, so that colour-blind readers can tell the ends apart.
    """
    ends = np.array([[1.0, 0.35, 0.0], [0.95, 0.85, 0.6], [0.1, 0.4, 0.95]])
    at = np.linspace(0, 2, COLOURS)
    channels = [np.interp(at, range(3), ends[:, n]) for n in range(3)]
    return np.stack(channels, axis=1).astype(np.float32)


def ranks_of(
    ids: npt.NDArray[np.uint32],
    scores: npt.NDArray[np.float64],
    certain: Collection[int] = (),
) -> LabelPicture:
    """Return the colours of ids, by their scores from 0 to 1; ``certain`` ones have 1.

    The length is that of the highest id and the background.
    """
    sure = np.array([*certain], np.uint32)
    size = 1 + max(int(ids.max(initial=0)), int(sure.max(initial=0)))
    ranks = np.zeros(size, np.uint8)
    ranks[ids] = 1 + np.round(scores * (COLOURS - 1)).astype(np.uint8)
    ranks[sure] = COLOURS
    return ranks


def colour_table(
    colours: npt.NDArray[np.float32],
    *,
    fill: float,
    outline: float,
    outlines: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.float32]:
    """Return the RGBA (256, 4) of each value that a pixel of a picture can have.

    Parameters
    ----------
    colours
        RGB (`COLOURS`, 3) of the cells, 0 to 1.
    fill, outline
        Opacity of the inside and of the outline of cells, 0 to 1.
    outlines
        RGB (`COLOURS`, 3) of the outlines; without it, that of the cells.
    """
    table = np.zeros((256, 4), np.float32)
    shown = np.concatenate([colours, np.array(MARK_COLOURS, np.float32)])
    table[1:OUTLINE, :3] = table[OUTLINE + 1 :, :3] = shown
    if outlines is not None:
        table[OUTLINE + 1 : OUTLINE + 1 + COLOURS, :3] = outlines
    table[1:OUTLINE, 3] = fill
    table[COLOURS + 1 : OUTLINE, 3] = fill * _MARK_FILL
    table[OUTLINE + 1 :, 3] = outline
    return table


def colour_of(cell: int) -> int:
    """Return which colour a cell has in pictures, 1 to `COLOURS`; 0 for background."""
    return int(_byte(np.uint32(cell), True))


@compiled
def _byte(cell: np.uint32, inside: bool) -> np.uint8:
    # Neighbours usually have ids close to each other: multiplying by 2³² over the
    # golden ratio gives them colours far apart. Each step is cast back to 32 bits,
    # which lets the compiler vectorise over twice as many pixels.
    spread = np.uint32(np.uint32(cell * np.uint32(2654435769)) >> np.uint32(16))
    colour = np.uint32(np.uint32(spread * np.uint32(COLOURS)) >> np.uint32(16))
    edge = np.uint32(0) if inside else np.uint32(OUTLINE)
    return np.uint8((colour + np.uint32(1)) | edge if cell != 0 else np.uint32(0))


@compiled
def _draw(
    labels: Labels, drawn: LabelPicture, top: int, bottom: int, left: int, right: int
) -> None:
    height, width = labels.shape
    first, last = max(left, 1), min(right, width - 1)
    # A single thread draws, because waking others may take up to 8 ms, far longer than
    # a dab of the brush.
    for y in range(top, bottom):
        here, line = labels[y], drawn[y]
        # These pixels have all four neighbours, so they need no checks of the bounds.
        if 0 < y < height - 1 and first < last:
            _draw_row(
                labels[y - 1, first:last],
                here[first - 1 : last + 1],
                labels[y + 1, first:last],
                line[first:last],
            )
        else:
            for x in range(left, right):
                line[x] = _byte(here[x], False)
        if left == 0:
            line[0] = _byte(here[0], False)
        if right == width:
            line[width - 1] = _byte(here[width - 1], False)


@compiled
def _draw_row(above: Labels, here: Labels, below: Labels, line: LabelPicture) -> None:
    """Draw pixels of a row; ``here`` has one more at either end."""
    # Without branches and without indices that could be negative, the compiler
    # vectorises this loop.
    size = len(line)
    before, cells, after = here[:size], here[1 : size + 1], here[2 : size + 2]
    for x in range(size):
        cell = cells[x]
        upright = (above[x] == cell) & (below[x] == cell)
        level = (before[x] == cell) & (after[x] == cell)
        line[x] = _byte(cell, upright & level)

"""Fills the holes of cells of a plane, and removes small cells.

The result is that of Cellpose's ``utils.fill_holes_and_remove_small_masks``, which
takes several times as long where there are many cells. Its holes in volumes are not
those that other libraries find, so volumes are left to it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled

Labels = npt.NDArray[np.integer]
LabelArray = npt.NDArray[np.uint32]
Boxes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def finished_plane(labels: Labels, min_size: int) -> LabelArray:
    """Return the cells of a plane (Y, X) without holes, and without small ones.

    They are numbered 1..N in the order of their pixels. If ``min_size``, the least
    number of pixels, is 0 or less, all stay, in the order of their numbers.
    """
    if min_size <= 0:
        cells = labels.astype(np.uint32)
        fill_holes(cells)
        return cells
    cells = numbered(labels, sizes_of(labels) >= min_size)
    fill_holes(cells)
    _renumber(cells, sizes_of(cells) >= min_size, cells)
    return cells


def fill_holes(cells: LabelArray) -> None:
    """Fill the holes of the cells of a plane (Y, X), in place, in their order."""
    _fill(cells, bounding_boxes(cells))


def numbered(labels: Labels, stays: Mask) -> LabelArray:
    """Return the cells for which ``stays`` of their id, 1..N in the order of pixels."""
    cells = np.empty(labels.shape, np.uint32)
    _renumber(np.ascontiguousarray(labels), stays, cells)
    return cells


def sizes_of(labels: Labels) -> npt.NDArray[np.int64]:
    """Return the number of pixels of each id, from 0 on."""
    sizes = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    _count(np.ascontiguousarray(labels), sizes)
    return sizes


def bounding_boxes(labels: Labels) -> Boxes:
    """Return (N, 2, 2): for each id of ``labels`` (Y, X) its first and last + 1.

    The ends of ids without a pixel are before their starts.
    """
    boxes = np.empty((int(labels.max(initial=0)), 2, 2), np.int64)
    boxes[..., 0], boxes[..., 1] = max(labels.shape), 0
    _stretch(labels, boxes)
    return boxes


@compiled
def _count(labels: Labels, sizes: npt.NDArray[np.int64]) -> None:
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            sizes[labels[y, x]] += 1


@compiled
def _stretch(labels: Labels, boxes: Boxes) -> None:
    height, width = labels.shape
    for y in range(height):
        x = 0
        while x < width:
            start, cell = x, labels[y, x]
            # A run of equal pixels stretches a box but once.
            while x < width and labels[y, x] == cell:
                x += 1
            if cell:
                box = boxes[cell - 1]
                box[0, 0], box[0, 1] = min(box[0, 0], y), max(box[0, 1], y + 1)
                box[1, 0], box[1, 1] = min(box[1, 0], start), max(box[1, 1], x)


@compiled
def _renumber(labels: Labels, stays: Mask, cells: LabelArray) -> None:
    """Write the cells that stay into ``cells``, which may be ``labels`` themselves."""
    numbers = np.zeros(len(stays), np.uint32)
    used = 0
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            cell = labels[y, x]
            if cell and numbers[cell] == 0 and stays[cell]:
                used += 1
                numbers[cell] = used
            cells[y, x] = numbers[cell]


@compiled
def _fill(labels: LabelArray, boxes: Boxes) -> None:
    """Fill the holes of all cells, those of each after those of the ones before."""
    number = 0
    for n in range(len(boxes)):
        top, bottom = boxes[n, 0]
        left, right = boxes[n, 1]
        if top >= bottom:
            continue
        # As in Cellpose, numbers move up where one has no pixels.
        number += 1
        part = labels[top:bottom, left:right]
        height, width = part.shape
        # 0: not seen yet, 1: the cell, 2: outside of it.
        seen = np.zeros((height, width), np.uint8)
        queue = np.empty(height * width, np.int64)
        first, last, inside = 0, 0, 0
        for y in range(height):
            for x in range(width):
                if part[y, x] == n + 1:
                    seen[y, x] = 1
                    inside += 1
                elif y in (0, height - 1) or x in (0, width - 1):
                    seen[y, x] = 2
                    queue[last] = y * width + x
                    last += 1
        while first < last:
            y, x = divmod(queue[first], width)
            first += 1
            for j, i in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= j < height and 0 <= i < width and seen[j, i] == 0:
                    seen[j, i] = 2
                    queue[last] = j * width + i
                    last += 1
        if last + inside < seen.size or number != n + 1:
            for y in range(height):
                for x in range(width):
                    if seen[y, x] != 2:
                        part[y, x] = number

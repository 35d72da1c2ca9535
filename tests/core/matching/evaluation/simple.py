"""A slow, simple evaluation to compare with: loops over cells, sets of pixels."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np


def cells_of(labels):
    """Return the set of pixels of each cell, by id."""
    flat = labels.ravel().tolist()
    found = {}
    for at, cell in enumerate(flat):
        if cell:
            found.setdefault(cell, set()).add(at)
    return found


def iou_of(one, other):
    return len(one & other) / len(one | other)


def counts_at(true, found, threshold):
    """Return TP, FP, FN and the sum of the IoU of hits: the best of all choices.

    Every way to pair cells is tried, so only small images can be compared.
    """
    true, found = list(cells_of(true).values()), list(cells_of(found).values())
    best = (0, 0.0)
    few, many = sorted((true, found), key=len)
    for size in range(len(few), -1, -1):
        for some in combinations(few, size):
            for others in permutations(many, size):
                overlaps = [iou_of(a, b) for a, b in zip(some, others, strict=True)]
                if all(iou >= threshold for iou in overlaps):
                    best = max(best, (size, sum(overlaps)))
        if best[0] == size:
            break
    hits, overlap = best
    return hits, len(found) - hits, len(true) - hits, overlap


def boundary(true, found, radius):
    """Return precision, recall and F-score of the pixels near outlines."""
    near = [_near(labels, radius) for labels in (true, found)]
    both = len(near[0] & near[1])
    return (
        both / len(near[1]),
        both / len(near[0]),
        2 * both / (len(near[0]) + len(near[1])),
    )


def _near(labels, radius):
    height, width = labels.shape
    edge = []
    for y, x in np.argwhere(labels):
        around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        if any(
            not (0 <= a < height and 0 <= b < width) or labels[a, b] != labels[y, x]
            for a, b in around
        ):
            edge.append((y, x))
    return {
        (y, x)
        for y in range(height)
        for x in range(width)
        if any((y - a) ** 2 + (x - b) ** 2 <= radius**2 for a, b in edge)
    }

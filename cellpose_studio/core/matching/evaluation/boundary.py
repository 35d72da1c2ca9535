"""How well the outlines of found cells agree with those of true ones."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.labels import outlines
from cellpose_studio.core.masks.map_ids import only
from cellpose_studio.core.matching.evaluation.overlaps import Flags, Ids, Labels
from cellpose_studio.core.matching.evaluation.scores import BoundaryCounts


def boundary_counts(
    true: Labels,
    found: Labels,
    radius: float,
    ignore: Flags | None = None,
    counted: tuple[Ids, Ids] | None = None,
) -> BoundaryCounts:
    """Return how many pixels lie near the outlines of two label images.

    A pixel is near an outline if it is at most ``radius`` px from a pixel of it, in its
    plane. The scores are those of Cellpose's ``metrics.boundary_scores``, whose radius
    is a part of the diameter.

    Parameters
    ----------
    ignore
        Pixels that do not count.
    counted
        Ids of the true and the found cells that count; None counts all.
    """
    if counted is not None:
        pair = zip((true, found), counted, strict=True)
        true, found = (only(labels, ids.tolist()) for labels, ids in pair)
    kernel = _disk(radius)
    near_true, near_found = (_near(labels, kernel) for labels in (true, found))
    if ignore is not None:
        near_true, near_found = (near & ~ignore for near in (near_true, near_found))
    return BoundaryCounts(
        both=int(np.count_nonzero(near_true & near_found)),
        found=int(np.count_nonzero(near_found)),
        true=int(np.count_nonzero(near_true)),
    )


def _near(labels: Labels, kernel: npt.NDArray[np.uint8]) -> Flags:
    edges = outlines(labels).astype(np.uint8).reshape(-1, *labels.shape[-2:])
    near = np.stack([cv2.dilate(plane, kernel) for plane in edges])
    return near.reshape(labels.shape).astype(bool)


def _disk(radius: float) -> npt.NDArray[np.uint8]:
    size = math.floor(radius)
    y, x = np.mgrid[-size : size + 1, -size : size + 1]
    return (np.hypot(y, x) <= radius).astype(np.uint8)

"""Cells that tests of the session draw."""

from __future__ import annotations

import numpy as np

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import edit_between


def draw(
    session: Session, image: ProjectImage, cell: int, at: int = 2, side: int = 4
) -> None:
    """Draw a square cell of ``side`` px, from the row and the column ``at`` on."""
    masks = image.masks
    assert masks is not None
    region = (slice(at, at + side),) * 2
    pixels = np.full((side, side), cell, np.uint32)
    session.edit(image, edit_between("Draw", [cell], masks.array, region, pixels))


def grid(shape: tuple[int, ...], step: int = 12, side: int = 8) -> Labels:
    """Return square cells, the first row and column of which touch the edge."""
    labels = np.zeros(shape, np.uint32)
    number = 0
    for y in range(0, shape[-2] - side + 1, step):
        for x in range(0, shape[-1] - side + 1, step):
            number += 1
            labels[..., y : y + side, x : x + side] = number
    return labels


def put_masks(session: Session, image: ProjectImage, labels: Labels) -> None:
    """Give an image masks, as those of a run."""
    masks = LabelSet(
        name="cells",
        pixels=LabelImage(labels.astype(np.uint32)),
        origin="run",
        cells=len(np.unique(labels)) - 1,
    )
    session.replace_masks(image, masks, "Run")

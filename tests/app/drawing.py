"""Cells that tests of the session draw."""

from __future__ import annotations

import numpy as np

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
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

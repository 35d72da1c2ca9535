"""How far the work on an image is, and which images are not where they were."""

from __future__ import annotations

from typing import Literal, get_args

from cellpose_studio.app.masks.project_image import ProjectImage

ImageStatus = Literal["untouched", "segmented", "edited", "reviewed", "missing"]

STATUSES: tuple[ImageStatus, ...] = get_args(ImageStatus)


def status_of(image: ProjectImage, missing: bool = False) -> ImageStatus:
    """Return the status of an image; the one that matters most of several."""
    if missing:
        return "missing"
    if image.reviewed:
        return "reviewed"
    if image.masks is None:
        return "untouched"
    return "edited" if image.edited else "segmented"

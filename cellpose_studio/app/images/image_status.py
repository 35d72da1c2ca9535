"""How far the work on an image is, and which images are not where they were."""

from __future__ import annotations

from typing import Literal, get_args

from cellpose_studio.app.session.session import Entry

ImageStatus = Literal["untouched", "segmented", "edited", "reviewed", "missing"]

STATUSES: tuple[ImageStatus, ...] = get_args(ImageStatus)


def status_of(entry: Entry, missing: bool = False) -> ImageStatus:
    """Return the status of an image; the one that matters most of several."""
    if missing:
        return "missing"
    if entry.reviewed:
        return "reviewed"
    if entry.labels is None:
        return "untouched"
    return "edited" if entry.edited else "segmented"

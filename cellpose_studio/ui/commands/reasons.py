"""Reasons for disabled commands that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from cellpose_studio.app.session.session import Session

NO_IMAGE = "Open an image first."
NO_MASKS = "No masks yet. Run a model, or draw some cells."
NO_AXIS: dict[Literal["T", "Z"], str] = {
    "T": "This image has one time point only.",
    "Z": "This image has one plane only.",
}


def needs_image(session: Session) -> Callable[[], str]:
    """Return a ``reason_disabled`` for commands that act on the image shown."""
    return lambda: NO_IMAGE if session.shown is None else ""


def needs_masks(session: Session) -> Callable[[], str]:
    """Return a ``reason_disabled`` for commands that act on the masks shown."""

    def reason() -> str:
        image = session.shown
        return NO_MASKS if image is None or image.masks is None else ""

    return reason


def needs_axis(session: Session, axis: Literal["T", "Z"]) -> Callable[[], str]:
    """Return a ``reason_disabled`` for commands that need a stack, or a time series."""

    def reason() -> str:
        image = session.shown
        if image is None:
            return NO_IMAGE
        source = image.source
        count = source.frames if axis == "T" else source.planes
        return NO_AXIS[axis] if count == 1 else ""

    return reason

"""Why commands are off, for those that have the reason in common."""

from __future__ import annotations

from collections.abc import Callable

from cellpose_studio.app.session.session import Session

NO_IMAGE = "Open an image first."
NO_MASKS = "There are no masks."


def needs_image(session: Session) -> Callable[[], str]:
    """Return what says why a command is off while no image is shown."""
    return lambda: NO_IMAGE if session.shown is None else ""


def needs_masks(session: Session) -> Callable[[], str]:
    """Return what says why a command is off while the image shown has no masks."""

    def reason() -> str:
        image = session.shown
        return NO_MASKS if image is None or image.masks is None else ""

    return reason

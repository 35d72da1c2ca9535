"""Reasons for disabled commands that several commands share."""

from __future__ import annotations

from collections.abc import Callable

from cellpose_studio.app.session.session import Session

NO_IMAGE = "Open an image first."
NO_MASKS = "No masks yet. Run a model, or draw some cells."


def needs_image(session: Session) -> Callable[[], str]:
    """Return a ``reason_disabled`` for commands that act on the image shown."""
    return lambda: NO_IMAGE if session.shown is None else ""


def needs_masks(session: Session) -> Callable[[], str]:
    """Return a ``reason_disabled`` for commands that act on the masks shown."""

    def reason() -> str:
        image = session.shown
        return NO_MASKS if image is None or image.masks is None else ""

    return reason

"""What went wrong, in words for the user and in detail for a report."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from cellpose_studio.core.errors import StudioError

logger = logging.getLogger("cellpose_studio")


@dataclass(frozen=True)
class Failure:
    """One failure.

    Attributes
    ----------
    message, hint
        As in `StudioError`.
    details
        The traceback, for what nobody expected; else empty.
    """

    message: str
    hint: str = ""
    details: str = ""


def failure_of(error: BaseException) -> Failure:
    """Return what to tell the user about ``error``; the unexpected is logged."""
    if isinstance(error, StudioError):
        return Failure(error.message, error.hint)
    if isinstance(error, MemoryError):
        return Failure(
            "The computer's memory is not enough for this.",
            "Close other programs or images, and try again.",
        )
    logger.error("unexpected error", exc_info=error)
    details = "".join(traceback.format_exception(error))
    return Failure(
        f"Something unexpected went wrong: {error or type(error).__name__}.",
        "Nothing was lost. Please report it with the details.",
        details,
    )


def catch_unexpected(show: Callable[[Failure], None]) -> None:
    """Show whatever reaches the top of the event loop, and go on."""

    def hook(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        show(failure_of(error))

    sys.excepthook = hook

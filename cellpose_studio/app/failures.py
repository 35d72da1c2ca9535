"""What went wrong, in words for the user and in detail for a report."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from psygnal import EmitLoopError

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
    cause = _cause(error)
    if isinstance(cause, StudioError):
        return Failure(cause.message, cause.hint)
    if isinstance(cause, MemoryError):
        return Failure(
            "The computer's memory is not enough for this.",
            "Close other programs or images, and try again.",
        )
    logger.error("unexpected error", exc_info=error)
    details = "".join(traceback.format_exception(error))
    return Failure(
        f"Something unexpected went wrong: {_first_line(cause)}.",
        "Nothing was lost. Please report it with the details.",
        details,
    )


def _cause(error: BaseException) -> BaseException:
    """Return what a listener of a signal raised; psygnal wraps it."""
    # A listener that emits a signal itself adds another wrapper.
    while isinstance(error, EmitLoopError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def catch_unexpected(show: Callable[[Failure], None]) -> None:
    """Show whatever reaches the top of the event loop, and go on."""

    def hook(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        show(failure_of(error))

    # Without a hook, PyQt aborts the process after an exception in a slot.
    sys.excepthook = hook

"""What went wrong, in words for the user and in detail for a report."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
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
    source
        What the same unexpected error has in common each time, "KeyError at
        runner.py:57"; else empty.
    """

    message: str
    hint: str = ""
    details: str = ""
    source: str = ""


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
        _source(cause),
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


def _source(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    places = [f" at {frame.filename}:{frame.lineno}" for frame in frames]
    return "".join([type(error).__name__, *places])


def catch_unexpected(show: Callable[[Failure], None]) -> None:
    """Show whatever reaches the top of the event loop or of a thread, and go on.

    Parameters
    ----------
    show
        Called in the thread of the error.
    """

    def hook(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        try:
            show(failure_of(error))
        # There is nobody left to tell of an error in telling of one.
        except Exception:
            sys.__excepthook__(kind, error, trace)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        # A thread ends with `SystemExit` on purpose.
        if args.exc_value is not None and args.exc_type is not SystemExit:
            hook(args.exc_type, args.exc_value, args.exc_traceback)

    # Without a hook, PyQt aborts the process after an exception in a slot.
    sys.excepthook = hook
    threading.excepthook = thread_hook
    sys.unraisablehook = _log_unraisable


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    """Log an error that nobody can catch: while an object is removed, for example.

    The user did nothing that has failed, so nothing is shown.
    """
    with suppress(Exception):
        what = args.err_msg or "Exception ignored in"
        # Not its text, which may be all values of an array.
        name = getattr(args.object, "__qualname__", type(args.object).__name__)
        logger.warning("%s %s", what, name, exc_info=args.exc_value)

"""Unexpected errors, collected and counted, and the text of a report on them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cellpose_studio.io.support.log import shortened

_MOST_KINDS = 20
_MOST_TEXT = 20_000


@dataclass(kw_only=True)
class SeenError:
    """An error, and how often it came.

    Attributes
    ----------
    source
        What the same error has in common each time: its type and place.
    message, hint
        What the user is told.
    details
        The traceback of the first time.
    """

    source: str
    message: str
    hint: str
    details: str
    count: int
    first: datetime
    last: datetime


class ErrorList:
    """Errors in the order in which they came first; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: dict[str, SeenError] = {}
        self._count = 0

    def add(self, source: str, message: str, hint: str, details: str) -> None:
        """Count an error; of too many kinds the number alone is kept."""
        now = datetime.now()
        with self._lock:
            self._count += 1
            seen = self._errors.get(source)
            if seen is not None:
                seen.count += 1
                seen.last = now
            elif len(self._errors) < _MOST_KINDS:
                self._errors[source] = SeenError(
                    source=source,
                    message=message,
                    hint=hint,
                    details=shortened(details, _MOST_TEXT),
                    count=1,
                    first=now,
                    last=now,
                )

    def clear(self) -> None:
        """Forget all errors."""
        with self._lock:
            self._errors.clear()
            self._count = 0

    @property
    def count(self) -> int:
        """How many errors there were."""
        return self._count

    @property
    def errors(self) -> list[SeenError]:
        """The errors, each kind once."""
        with self._lock:
            return list(self._errors.values())


def report(facts: Mapping[str, str], errors: list[SeenError], count: int) -> str:
    """Return a text for a bug report.

    It holds what Python knows of the errors: lines of code, messages, names of files,
    and no pixels.
    """
    lines: list[str] = []
    for error in errors:
        times = f"{error.first:%Y-%m-%d %H:%M:%S}"
        if error.count > 1:
            times += f" to {error.last:%H:%M:%S}, {error.count} times"
        lines += [f"{times}: {error.message}", error.details.rstrip(), ""]
    more = count - sum(error.count for error in errors)
    if more:
        lines += [f"{more} more errors", ""]
    lines += [f"{name}: {value}" for name, value in facts.items()]
    return "\n".join(lines) + "\n"

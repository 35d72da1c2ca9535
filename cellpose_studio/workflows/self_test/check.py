"""One check of an installation, what it finds, and how a list of them is run."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cellpose_studio.core.errors import StudioError

Status = Literal["passed", "warning", "failed", "skipped"]

TIME_LIMIT = 120.0
"""Seconds after which a check is ended, unless it has a limit of its own."""

REPORT_IT = "Please report this with the details."


class CheckFailed(StudioError):
    """Something does not work; the hint says what to do, in place of the check's."""


@dataclass(frozen=True)
class Found:
    """What a check that works has found.

    Attributes
    ----------
    text
        One sentence, or a few words.
    advice
        What would be better; empty if all is well.
    """

    text: str
    advice: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where checks work.

    Attributes
    ----------
    folder
        Empty at the start, and removed in the end: files go there.
    user_folders
        Folders of the user by what is in them, which the check must not write into.
    """

    folder: Path
    user_folders: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One record of what is checked.

    Attributes
    ----------
    name
        Identifies it in a report, and on the command line.
    title
        A few words, at the start of its line.
    shows
        What works if it passes, as a sentence.
    advice
        What to do if it fails, as a sentence.
    run
        Tries it. Raises any exception if it does not work.
    limit
        Seconds after which it is ended.
    needs
        Names of checks without which it cannot be tried.
    """

    name: str
    title: str
    shows: str
    advice: str
    run: Callable[[Place], Found]
    limit: float = TIME_LIMIT
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a check.

    Attributes
    ----------
    name, title
        Those of the check.
    seconds
        How long it took.
    text
        What was found, or what is wrong.
    advice
        What to do; empty if there is nothing to do.
    details
        Traceback or output, for a report.
    since_start
        Seconds from the start of the process until the end of the check.
    """

    name: str
    title: str
    status: Status
    seconds: float = 0.0
    text: str = ""
    advice: str = ""
    details: str = ""
    since_start: float = 0.0

    @property
    def works(self) -> bool:
        """Whether nothing is wrong."""
        return self.status in ("passed", "warning")

    def as_dict(self) -> dict[str, Any]:
        """Return it as values for JSON."""
        return asdict(self)


def run_checks(
    checks: Sequence[Check],
    place: Place,
    started: Callable[[Check], None],
    ended: Callable[[Outcome], None],
    begun: float | None = None,
    wrong: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """Run checks one after another, each whatever came of those before.

    Parameters
    ----------
    started, ended
        Called before and after each.
    begun
        When the process started, by `time.monotonic`.
    wrong
        Titles of checks that have failed in an earlier process, by name.
    """
    begun = time.monotonic() if begun is None else begun
    failed = dict(wrong or {})
    outcomes: list[Outcome] = []
    for check in checks:
        started(check)
        outcome = _outcome(check, place, failed, begun)
        outcomes.append(outcome)
        if not outcome.works:
            failed[check.name] = check.title
        ended(outcome)
    return outcomes


def _outcome(
    check: Check, place: Place, wrong: Mapping[str, str], begun: float
) -> Outcome:
    missing = [wrong[name] for name in check.needs if name in wrong]
    if missing:
        return Outcome(
            name=check.name,
            title=check.title,
            status="skipped",
            text=f"Not tried, because of “{missing[0]}”.",
        )
    at = time.monotonic()
    try:
        found = check.run(place)
        status: Status = "warning" if found.advice else "passed"
        text, advice, details = found.text, found.advice, ""
    # Whatever goes wrong is what the check is there to find, also the end of the
    # interpreter that a library asks for.
    except (Exception, SystemExit) as error:
        status, text, advice = "failed", *_told(error, check)
        details = "".join(traceback.format_exception(error))
    now = time.monotonic()
    return Outcome(
        name=check.name,
        title=check.title,
        status=status,
        seconds=round(now - at, 3),
        text=text,
        advice=advice,
        details=details,
        since_start=round(now - begun, 3),
    )


def _told(error: BaseException, check: Check) -> tuple[str, str]:
    """Return what is wrong, and what to do."""
    if isinstance(error, StudioError):
        # Further lines are details, which the traceback has as well.
        return error.message.split("\n", 1)[0], error.hint or check.advice
    lines = str(error).strip().splitlines()
    kind = type(error).__name__
    return f"{kind}: {lines[0]}" if lines else kind, check.advice

"""What came of the checks, as a table for people and as JSON."""

from __future__ import annotations

import json
import platform
import sys
import textwrap
from collections.abc import Iterator, Sequence

from cellpose_studio import __version__
from cellpose_studio.workflows.self_test.check import Outcome

WORDS = {
    "passed": "passed",
    "warning": "note",
    "failed": "FAILED",
    "skipped": "not tried",
}
"""What people read for each status."""

_WIDTH = 100
_INDENT = " " * 19


def all_work(outcomes: Sequence[Outcome]) -> bool:
    """Return whether no check has failed, nor was left out because another one did."""
    return all(outcome.works for outcome in outcomes)


def heading() -> str:
    """Return which program is checked, and on what."""
    return (
        f"Cellpose Studio {__version__}, {platform.platform()}, "
        f"Python {platform.python_version()}"
    )


def lines(outcome: Outcome) -> Iterator[str]:
    """Yield the lines of the table for one check."""
    word = WORDS[outcome.status]
    text = f"{outcome.title}: {outcome.text}"
    if outcome.works:
        text = text.rstrip(".") + "."
    first, *rest = textwrap.wrap(text, _WIDTH - len(_INDENT)) or [""]
    yield f"{word:<9} {outcome.seconds:6.1f} s {first}"
    yield from (_INDENT + line for line in rest)
    if outcome.advice:
        advice = f"What to do: {outcome.advice}"
        yield from (
            _INDENT + line for line in textwrap.wrap(advice, _WIDTH - len(_INDENT))
        )


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return how many passed, and whether that is enough."""
    count = len(outcomes)
    wrong = [outcome for outcome in outcomes if not outcome.works]
    if not wrong:
        return f"All {count} checks passed: this installation works."
    names = ", ".join(outcome.title for outcome in wrong)
    return f"{len(wrong)} of {count} checks did not pass: {names}."


def as_text(outcomes: Sequence[Outcome]) -> str:
    """Return everything for a report: the table, then the details of what failed."""
    parts = [heading(), ""]
    for outcome in outcomes:
        parts += lines(outcome)
    parts += ["", summary(outcomes)]
    for outcome in outcomes:
        if outcome.details:
            parts += ["", f"{outcome.title} ({outcome.name}):", outcome.details.strip()]
    return "\n".join(parts)


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Return the report for programs."""
    report = {
        "program": "cellpose-studio",
        "version": __version__,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "works": all_work(outcomes),
        "checks": [outcome.as_dict() for outcome in outcomes],
    }
    return json.dumps(report, indent=1, ensure_ascii=False)

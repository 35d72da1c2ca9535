"""``cellpose-studio --self-test``: the check in a terminal, as a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.cli.output.outcome import FAILED, INTERRUPTED, SIGNALLED
from cellpose_studio.cli.output.terminal import Ended, ending_signals, outputs
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import replacing
from cellpose_studio.workflows.self_test import report
from cellpose_studio.workflows.self_test.supervisor import Listener, supervise

WORKS, FAILS = 0, 1
"""Exit codes; 2 is a wrong call, as elsewhere."""


def self_test(
    names: Sequence[str] = (),
    file: Path | None = None,
    command: Sequence[str] = (),
) -> int:
    """Run the checks of ``names``, or all; print a table, write JSON to ``file``.

    Return 0 if all pass, 1 if not, 2 if there is no such check.

    ``command`` starts the child; by default it is this application.
    """
    with outputs(), ending_signals():
        if unknown := _unknown(names):
            _print(unknown)
            return FAILED
        try:
            return _checked(names, file, command)
        except CannotSave as error:
            _print(str(error))
            return FAILS
        except Ended as end:
            _print("Stopped.")
            return SIGNALLED + end.number
        except KeyboardInterrupt:
            _print("Stopped.")
            return INTERRUPTED


def _checked(names: Sequence[str], file: Path | None, command: Sequence[str]) -> int:
    if file is not None:
        # Minutes later would be late to hear that it cannot be written.
        with replacing(file) as part:
            part.write_text(report.as_json([]), encoding="utf-8")
    _print(report.heading())
    outcomes = supervise(
        Listener(ended=lambda outcome: _print(*report.lines(outcome))),
        Checkpoint(),
        names,
        command,
    )
    _print("", report.summary(outcomes))
    if file is not None:
        with replacing(file) as part:
            part.write_text(report.as_json(outcomes), encoding="utf-8")
    return WORKS if report.all_work(outcomes) else FAILS


def _unknown(names: Sequence[str]) -> str:
    """Return what is wrong with the names of checks; empty if all are known."""
    if not names:
        return ""
    # This imports Qt, which the whole check leaves to its child.
    from cellpose_studio.ui.window.help.self_test.child import all_checks
    from cellpose_studio.ui.window.help.self_test.stage import Stage

    known = [check.name for check in all_checks(Stage())]
    wrong = [name for name in names if name not in known]
    if not wrong:
        return ""
    return f"There is no check {', '.join(wrong)}. Known are {', '.join(known)}."


def _print(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

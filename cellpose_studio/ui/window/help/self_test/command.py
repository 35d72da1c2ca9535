"""``cellpose-studio --self-test``: the check in a terminal, as a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.cli.terminal import outputs
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import replacing
from cellpose_studio.workflows.self_test import report
from cellpose_studio.workflows.self_test.check import Outcome
from cellpose_studio.workflows.self_test.supervisor import Listener, supervise

WORKS, FAILS = 0, 1
"""Exit codes."""


def self_test(
    names: Sequence[str] = (),
    file: Path | None = None,
    command: Sequence[str] = (),
) -> int:
    """Run the checks of ``names``, or all; print a table, write JSON to ``file``.

    ``command`` starts the child; by default it is this application.
    """
    with outputs():
        _print(report.heading())
        outcomes: list[Outcome] = []
        try:
            outcomes = supervise(
                Listener(ended=lambda outcome: _print(*report.lines(outcome))),
                Checkpoint(),
                names,
                command,
            )
            if file is not None:
                with replacing(file) as part:
                    part.write_text(report.as_json(outcomes), encoding="utf-8")
        except CannotSave as error:
            _print(str(error))
            return FAILS
        _print("", report.summary(outcomes))
        return WORKS if report.all_work(outcomes) else FAILS


def _print(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

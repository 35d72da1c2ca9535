"""The process that checks the installation: what it is told, and what it tells."""

from __future__ import annotations

import faulthandler
import json
from collections.abc import Collection
from pathlib import Path

from cellpose_studio.ui.window.help.self_test.stage import Stage
from cellpose_studio.ui.window.help.self_test.table import window_checks
from cellpose_studio.workflows.self_test.check import Check, Outcome, Place, run_checks
from cellpose_studio.workflows.self_test.headless import CHECKS
from cellpose_studio.workflows.self_test.supervisor import EVENTS, REQUEST


def run_child(folder: Path, begun: float) -> int:
    """Do what the request in ``folder`` asks for; return the exit code, always 0.

    ``begun`` is when the process started, by `time.monotonic`.
    """
    if not faulthandler.is_enabled():
        faulthandler.enable()
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    stage = Stage()
    checks = chosen(all_checks(stage), request["checks"], request["wrong"])
    work = folder / "files of the check"
    work.mkdir()
    folders = {kind: Path(path) for kind, path in request["user_folders"].items()}
    with (folder / EVENTS).open("a", encoding="utf-8") as file:

        def tell(event: str, **values: object) -> None:
            file.write(json.dumps({"event": event, **values}) + "\n")
            file.flush()

        def ended(outcome: Outcome) -> None:
            tell("ended", **outcome.as_dict())

        tell("planned", checks={check.name: check.title for check in checks})
        run_checks(
            checks,
            Place(folder=work, user_folders=folders),
            lambda check: tell("started", name=check.name, limit=check.limit),
            ended,
            begun,
            request["wrong"],
        )
        tell("leaving")
        stage.close()
    return 0


def all_checks(stage: Stage) -> list[Check]:
    """Return all checks in the order in which they are tried."""
    return [*CHECKS, *window_checks(stage)]


def chosen(
    checks: list[Check], names: Collection[str], wrong: Collection[str] = ()
) -> list[Check]:
    """Return the checks of ``names`` and those that they need, in order; all for none.

    One that is needed may have passed in a process that has ended: the window of that
    one is gone, so it is done again. Those of ``wrong``, which may have ended it, are
    not.
    """
    if not names:
        return checks
    wanted = set(names)
    for check in reversed(checks):
        if check.name in wanted:
            wanted |= set(check.needs) - set(wrong)
    return [check for check in checks if check.name in wanted]

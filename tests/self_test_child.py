"""A process that pretends to check an installation, for what may happen to one."""

from __future__ import annotations

import sys
import textwrap

from cellpose_studio.workflows.self_test.supervisor import OPTION

CHILD = """
import json, os, sys, time
from pathlib import Path

folder = Path(sys.argv[-1])
assert sys.argv[-2] == {option!r}
request = json.loads((folder / "request.json").read_text("utf-8"))
events = (folder / "events.jsonl").open("a")

def tell(event, **values):
    events.write(json.dumps({{"event": event, **values}}) + "\\n")
    events.flush()

def begin(name, limit=60):
    tell("started", name=name, limit=limit)

def end(name, status="passed", text=""):
    tell("ended", name=name, title=name.upper(), status=status, text=text)

names = request["checks"] or ["a", "b", "c"]
"""
ALL = """
tell("planned", checks={name: name.upper() for name in names})
for name in names:
    begin(name)
    if name == BAD:
        AND_THEN
    end(name)
tell("leaving")
"""


def child_command(folder, lines):
    """Write a child of Python lines into ``folder``; return its command."""
    script = folder / "child.py"
    text = CHILD.format(option=OPTION) + textwrap.dedent(lines)
    script.write_text(text, encoding="utf-8")
    return [sys.executable, str(script)]


def all_checks(bad="", and_then="pass", limit=60):
    """Return the lines that run all checks; in ``bad``, something happens."""
    lines = ALL.replace("BAD", repr(bad)).replace("AND_THEN", and_then)
    return lines.replace(
        "begin(name)", f"begin(name, {limit} if name == {bad!r} else 60)"
    )

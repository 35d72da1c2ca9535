"""Runs one headless command and says how it went by its exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from cellpose_studio.cli import evaluate, segment, train
from cellpose_studio.core.checkpoint import Cancelled
from cellpose_studio.core.errors import StudioError

FAILED, INTERRUPTED = 2, 130
"""Exit codes: nothing could be done; Ctrl+C. See `segment` for the others."""


def run(arguments: Sequence[str]) -> int:
    """Run the command that ``arguments`` name and return its exit code."""
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except StudioError as error:
        print(f"cellpose-studio: {error}", file=sys.stderr)
        return FAILED
    except (KeyboardInterrupt, Cancelled):
        print("cellpose-studio: stopped", file=sys.stderr)
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return the parser of all headless commands."""
    everything = argparse.ArgumentParser(
        prog="cellpose-studio",
        description="Without a command, opens the window.",
    )
    commands = everything.add_subparsers(required=True, metavar="COMMAND")
    for module in (segment, evaluate, train):
        module.add(commands)
    return everything

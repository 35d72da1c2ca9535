"""Runs one headless command and says how it went by its exit code."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence

from cellpose_studio.cli.commands import COMMANDS
from cellpose_studio.cli.outcome import FAILED, INTERRUPTED, error_message
from cellpose_studio.core.checkpoint import Cancelled


def run(arguments: Sequence[str]) -> int:
    """Run the command that ``arguments`` name and return its exit code."""
    # A stream that replaces stdout may be of another class, which cannot be
    # reconfigured.
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal has no letters for must not end the work.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (KeyboardInterrupt, Cancelled):
        print("cellpose-studio: stopped", file=sys.stderr)
        return INTERRUPTED
    # An exit code of Python's own would mean something else here.
    except Exception as error:
        print(f"cellpose-studio: {error_message(error)}", file=sys.stderr)
        return FAILED


def parser() -> argparse.ArgumentParser:
    """Return the parser of all headless commands."""
    everything = argparse.ArgumentParser(
        prog="cellpose-studio",
        description="Without a command, opens the window.",
    )
    parsers = everything.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_arguments(parsers.add_parser(command.name, help=command.help))
    return everything

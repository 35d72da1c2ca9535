"""Runs one headless command and says how it went by its exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from cellpose_studio.cli.arguments.spellings import with_hyphens
from cellpose_studio.cli.commands import COMMANDS, PRINTING
from cellpose_studio.cli.output.outcome import (
    ALL_DONE,
    FAILED,
    INTERRUPTED,
    SIGNALLED,
    error_message,
)
from cellpose_studio.cli.output.terminal import Ended, ending_signals, outputs
from cellpose_studio.core.checkpoint import Cancelled
from cellpose_studio.gc_tuning import gc_paused


def run(arguments: Sequence[str]) -> int:
    """Run the command that ``arguments`` name and return its exit code."""
    with outputs() as stdout, ending_signals():
        # Its modules are imported here.
        with gc_paused():
            options = parser(arguments[0]).parse_args(with_hyphens(arguments))
        code = _exit_code(options)
        stdout.flush()
        # Where the result is what is printed, it is not done without that.
        if code == ALL_DONE and stdout.lost and arguments[0] in PRINTING:
            return FAILED
        return code


def _exit_code(options: argparse.Namespace) -> int:
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except Ended as end:
        print("cellpose-studio: stopped", file=sys.stderr)
        return SIGNALLED + end.number
    except (KeyboardInterrupt, Cancelled):
        print("cellpose-studio: stopped", file=sys.stderr)
        return INTERRUPTED
    # An exit code of Python's own would mean something else here.
    except Exception as error:
        print(f"cellpose-studio: {error_message(error)}", file=sys.stderr)
        return FAILED


def parser(only: str = "") -> argparse.ArgumentParser:
    """Return the parser of all headless commands.

    Parameters
    ----------
    only
        The one command that needs its arguments; without it, all have theirs.
    """
    everything = argparse.ArgumentParser(
        prog="cellpose-studio",
        description="Without a command, opens the window.",
    )
    parsers = everything.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        described = parsers.add_parser(command.name, help=command.help)
        # Their modules take a second to import, which a small command does not have.
        if only in ("", command.name):
            command.add_arguments(described)
    return everything

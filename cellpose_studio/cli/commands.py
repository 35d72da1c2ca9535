"""The headless commands: one record each, and one module of the same name.

Nothing heavy is imported here: the window's start reads this table, too.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class HeadlessCommand:
    """One first word of the command line.

    Attributes
    ----------
    name
        The word, and the module in ``cellpose_studio.cli`` that has ``add``.
    help
        One line for the list of commands.
    """

    name: str
    help: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Import the module, and let it add its arguments to ``parser``."""
        module = import_module(f"cellpose_studio.cli.{self.name}")
        module.add(parser)


COMMANDS = (
    HeadlessCommand("segment", "segment images and save the masks"),
    HeadlessCommand("measure", "measure the cells of images, into one table"),
    HeadlessCommand("evaluate", "accuracy of masks, against true masks or others"),
    HeadlessCommand(
        "search", "search the thresholds that suit the corrected images of a project"
    ),
    HeadlessCommand(
        "restore", "remove noise or blur from images, or enlarge them, by a network"
    ),
    HeadlessCommand("train", "train a small U-Net from scratch on images with masks"),
    HeadlessCommand("models", "list the models, or show one's card"),
    HeadlessCommand(
        "replay", "run again what masks of a project were made by, and compare"
    ),
    HeadlessCommand(
        "rescue", "save what can be read of a damaged project in a new one"
    ),
    HeadlessCommand(
        "thumbnail", "save a small picture of a project, for file managers"
    ),
)

PRINTING = frozenset({"evaluate", "models", "replay", "search"})
"""Commands whose result is what they print; the others write files."""


def is_headless(word: str) -> bool:
    """Return whether a first word of the command line names a headless command."""
    return any(word == command.name for command in COMMANDS)


def in_words() -> str:
    """Return the names of all commands as a part of a sentence."""
    *names, last = (command.name for command in COMMANDS)
    return f"{', '.join(names)} or {last}"

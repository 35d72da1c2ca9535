"""``cellpose-studio replay``: repeat the run behind a revision of a project."""

from __future__ import annotations

import argparse
from pathlib import Path

from cellpose_studio.cli.output.outcome import ALL_DONE
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.workflows.provenance.recipes import KINDS, RecipeKind, recipe

# The codes 1 and 2 are taken, since they stand for failures.
DIFFERS = 3
"""Exit code: the run succeeded with different masks."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.epilog = (
        f"Exit code 0: identical; {DIFFERS}: different; 2: it could not be "
        "repeated; 130: stopped by Ctrl+C."
    )
    parser.add_argument("project", type=Path, metavar="FILE", help="a .cpstudio file")
    parser.add_argument(
        "revision", type=int, metavar="REVISION", help="number of the masks' revision"
    )
    parser.add_argument(
        "--as",
        dest="kind",
        choices=KINDS,
        help="print how the masks were made, without a run",
    )
    parser.set_defaults(command=_replay)


def _replay(options: argparse.Namespace) -> int:
    if options.kind:
        print(_text(options.project, options.revision, options.kind).rstrip("\n"))
        return ALL_DONE
    # This imports torch, which the text does not need.
    from cellpose_studio.workflows.provenance.replay import replay

    with Progress() as progress:
        result = replay(options.project, options.revision, Checkpoint(progress.report))
    print("\n".join(result.sentences))
    return ALL_DONE if result.identical else DIFFERS


def _text(path: Path, revision: int, kind: RecipeKind) -> str:
    from cellpose_studio.io.project.file import read_project
    from cellpose_studio.workflows.provenance.origin import provenance

    file = read_project(path)
    try:
        return recipe(provenance(file.db, revision), kind)
    finally:
        file.close()

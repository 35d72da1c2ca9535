"""``cellpose-studio replay``: repeat the run behind a revision, or tell of masks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.cli.output.outcome import ALL_DONE
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ParametersUnfit, ProjectUnusable
from cellpose_studio.core.wording import image_count
from cellpose_studio.workflows.provenance.recipes import (
    KINDS,
    RecipeKind,
    methods_of,
    recipe,
)

# The codes 1 and 2 are taken, since they stand for failures.
DIFFERS = 3
"""Exit code: the run succeeded with different masks."""

_ALL = "all"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.epilog = (
        f"Exit code 0: identical; {DIFFERS}: different; 2: it could not be "
        "repeated; 130: stopped by Ctrl+C."
    )
    parser.add_argument("project", type=Path, metavar="FILE", help="a .cpstudio file")
    parser.add_argument(
        "revisions",
        type=_revisions,
        metavar="REVISION",
        help="number of the masks' revision; with --as methods also several, as in "
        "7,9,12, or all for the present masks of all images",
    )
    parser.add_argument(
        "--as",
        dest="kind",
        choices=KINDS,
        help="print how the masks were made, without a run",
    )
    parser.set_defaults(command=_replay)


def _revisions(text: str) -> list[int] | None:
    if text == _ALL:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text} is no revision: give a number, several as in 7,9,12, or {_ALL}"
        ) from None


def _replay(options: argparse.Namespace) -> int:
    revisions: list[int] | None = options.revisions
    if options.kind == "methods":
        print(_methods(options.project, revisions).rstrip("\n"))
        return ALL_DONE
    if revisions is None or len(revisions) > 1:
        raise ParametersUnfit("Several revisions need --as methods.")
    if options.kind:
        print(_text(options.project, revisions[0], options.kind).rstrip("\n"))
        return ALL_DONE
    # This imports torch, which the text does not need.
    from cellpose_studio.workflows.provenance.replay import replay

    with Progress() as progress:
        result = replay(options.project, revisions[0], Checkpoint(progress.report))
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


def _methods(path: Path, revisions: Sequence[int] | None) -> str:
    """Return the paragraph on revisions; None stands for the masks of all images."""
    from cellpose_studio.io.project.file import read_project
    from cellpose_studio.io.project.tables.images import read_image_table
    from cellpose_studio.workflows.provenance.origin import (
        active_label_sets,
        provenance,
        provenance_now,
    )

    file = read_project(path)
    try:
        if revisions is not None:
            return methods_of([provenance(file.db, number) for number in revisions])
        images = read_image_table(file.db, path.parent)
        shown = sum(not one.hidden for one in images)
        found = active_label_sets(file.db, images)
        if not found:
            raise ProjectUnusable(f"{path.name} has no masks.")
        if without := shown - len(found):
            left_out = f"{image_count(without)} without masks left out."
            print(f"cellpose-studio: {left_out}", file=sys.stderr)
        return methods_of(provenance_now(file.db, found))
    finally:
        file.close()

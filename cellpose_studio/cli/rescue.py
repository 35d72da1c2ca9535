"""``cellpose-studio rescue``: save the readable part of a damaged project."""

from __future__ import annotations

import argparse
from pathlib import Path

from cellpose_studio.cli.output.outcome import ALL_DONE, SOME_FAILED
from cellpose_studio.io.project.rescue.rescue import rescue


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.epilog = (
        "The damaged file is never changed. Exit code 0: nothing was lost; "
        f"{SOME_FAILED}: a part was saved; 2: nothing could be saved."
    )
    parser.add_argument("project", type=Path, metavar="FILE", help="a .cpstudio file")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the new project (default: NAME-rescued.cpstudio next to the old one)",
    )
    parser.set_defaults(command=_rescue)


def _rescue(options: argparse.Namespace) -> int:
    source: Path = options.project
    target = options.out or source.with_stem(f"{source.stem}-rescued")
    report = rescue(source, target)
    print(report)
    return SOME_FAILED if report.lost else ALL_DONE

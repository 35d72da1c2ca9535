"""Where results go, and what becomes of those that exist."""

from __future__ import annotations

import argparse
from pathlib import Path

from cellpose_studio.io.masks.export_target import IfExists


def add_out(
    parser: argparse.ArgumentParser,
    text: str = "folder for the results (default: that of each image)",
) -> None:
    """Add ``--out``, a folder; None when it is absent."""
    parser.add_argument("--out", type=Path, metavar="DIR", help=text)


def add_existing(
    parser: argparse.ArgumentParser,
    overwrite: str = "replace result files that exist",
    skip: str = "leave images out that have result files",
) -> None:
    """Add ``--overwrite`` and ``--skip-existing``, with what they do."""
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help=overwrite)
    existing.add_argument("--skip-existing", action="store_true", help=skip)


def if_exists(options: argparse.Namespace) -> IfExists:
    """Return what the options of `add_existing` ask for."""
    if options.overwrite:
        return "replace"
    return "skip" if options.skip_existing else "refuse"

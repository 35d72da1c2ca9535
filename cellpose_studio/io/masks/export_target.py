"""Where an export writes, and what of that exists already."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.masks.labels import Labels
from cellpose_studio.io.masks.export_formats import FORMATS

IfExists = Literal["replace", "skip", "number", "refuse"]
"""What to do with an image some of whose files exist: write over them, leave the
image out, write under a name with a number that is free, or raise `CannotSave`."""


def existing_files(base: Path, kinds: Collection[str]) -> list[Path]:
    """Return the files of ``kinds`` that exist for ``base``."""
    paths = (form.path(base) for name, form in FORMATS.items() if name in kinds)
    return [path for path in paths if path.exists() or path.is_symlink()]


def target(base: Path, kinds: Collection[str], if_exists: IfExists) -> Path | None:
    """Return the base to write to; None to write nothing.

    Raises
    ------
    CannotSave
    """
    existing = [] if if_exists == "replace" else existing_files(base, kinds)
    if not existing:
        return base
    if if_exists == "refuse":
        raise exists_already(existing)
    if if_exists == "skip":
        return None
    number, free = 1, base
    while existing_files(free, kinds):
        number += 1
        free = base.with_name(f"{base.name}_{number}")
    return free


def exists_already(files: Sequence[Path]) -> CannotSave:
    """Return the error that names files which are not to be replaced."""
    several = len(files) > 1
    names = f"{files[0]} and {len(files) - 1:,} more files" if several else files[0]
    return CannotSave(
        f"{names} {'exist' if several else 'exists'} already.",
        "Add --overwrite to replace such files, or --skip-existing to leave their "
        "images out.",
    )


def without_cells(labels: Labels, cells: Collection[int]) -> Labels:
    """Return a label image without some cells; the same one if there are none."""
    if not cells:
        return labels
    return np.where(np.isin(labels, list(cells)), labels.dtype.type(0), labels)

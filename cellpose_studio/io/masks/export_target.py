"""Where an export writes, and what of that exists already."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal
from unicodedata import normalize

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.masks.labels import Labels
from cellpose_studio.core.wording import first_names
from cellpose_studio.io.masks.export_formats import FORMATS, IDS_ENDING
from cellpose_studio.io.masks.mapped import empty_labels

IfExists = Literal["replace", "skip", "number", "refuse"]
"""What to do with an image some of whose files exist: write over them, leave the
image out, write under a name with a number that is free, or raise `CannotSave`."""


def existing_files(base: Path, kinds: Collection[str]) -> list[Path]:
    """Return the files of ``kinds`` that exist for ``base``.

    The table of ids is one of them: it is replaced or removed with the others.
    """
    paths = (base.with_name(base.name + ending) for ending in _endings(kinds))
    return [path for path in paths if path.exists() or path.is_symlink()]


def existing_of_many(bases: Iterable[Path | str], kinds: Collection[str]) -> list[Path]:
    """Return the files of ``kinds`` that exist for ``bases``.

    Each folder is listed once, so that thousands of images take no time.
    """
    endings = _endings(kinds)
    listed = cache(_names_in)
    found: list[Path] = []
    for base in bases:
        folder, name = os.path.split(base)
        names = listed(folder)
        if names is None or any(_alike(name + ending) in names for ending in endings):
            found += existing_files(Path(base), kinds)
    return found


def _endings(kinds: Collection[str]) -> list[str]:
    """Return what is added to the name of an image by an export of ``kinds``."""
    forms = [form for name, form in FORMATS.items() if name in kinds]
    endings = [form.ending for form in forms]
    return endings if all(form.keeps_ids for form in forms) else [*endings, IDS_ENDING]


def _names_in(folder: str) -> set[str] | None:
    """Return names as `_alike` makes them; None if the folder cannot be listed."""
    try:
        with os.scandir(folder or ".") as entries:
            return {_alike(entry.name) for entry in entries}
    except FileNotFoundError:
        return set()
    except OSError:
        return None


def _alike(name: str) -> str:
    """Return the same text for names that some system takes for the same file."""
    return name.lower() if name.isascii() else normalize("NFC", name).casefold()


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
    names = first_names([*map(str, files)], 1, "more files")
    return CannotSave(
        f"{names} {'exist' if len(files) > 1 else 'exists'} already.",
        "Add --overwrite to replace such files, or --skip-existing to leave their "
        "images out.",
    )


def without_cells(labels: Labels, cells: Collection[int]) -> Labels:
    """Return a label image without some cells; the same one if there are none."""
    if not cells:
        return labels
    from cellpose_studio.core.masks.map_ids import without

    return without(labels, [*cells], empty_labels)

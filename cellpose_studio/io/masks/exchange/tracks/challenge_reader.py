"""Reads tracks in the format of the Cell Tracking Challenge."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from cellpose_studio.core.errors import MasksUnreadable, NotEnoughMemory
from cellpose_studio.core.masks.labels import cell_ids
from cellpose_studio.io.images.stored_image import refuse_beyond_memory
from cellpose_studio.io.masks.imported import ImportedMasks
from cellpose_studio.io.natural_order import sorted_files
from cellpose_studio.paths import is_folder

_TABLES = ("res_track.txt", "man_track.txt")
_TRUTH = "TRA"
"""Folder of the tracks of a ground truth, within that of the truth."""
_ENDINGS = ("_RES", "_GT")
_COLUMNS = 4

_Rows = dict[int, tuple[int, int, int]]


def is_tracks_path(path: Path) -> bool:
    """Return whether a path is a table of tracks, or a folder that has one."""
    if path.name in _TABLES:
        return True
    return is_folder(path) and _table(path) is not None


def tracks_folder(path: Path) -> Path:
    """Return the folder that belongs to an image, of a path with tracks."""
    folder = path.parent if path.name in _TABLES else path
    return folder.parent if folder.name == _TRUTH else folder


def tracks_beside(image: Path, among: Collection[str] | None = None) -> list[Path]:
    """Return the folders of tracks that are named after an image: a_RES for a.tif.

    ``among`` has the names beside it, if they are known: then the disk is not asked for
    folders that are not there.
    """
    stem = image.stem
    names = (stem + ending for ending in _ENDINGS)
    return [
        folder
        for name in names
        if among is None or name in among
        if _table(folder := image.with_name(name)) is not None
    ]


def read_tracks(path: Path) -> ImportedMasks:
    """Read the label images of a folder, and which track came from which.

    Of a track with one successor after a gap, both are the same cell: that is how the
    format tells gaps. All others are mothers and daughters.

    Raises
    ------
    MasksUnreadable
        If the folder lacks images, or a file is damaged.
    """
    import tifffile

    # Loading the compiled loops takes time, which only callers of this function pay.
    from cellpose_studio.core.masks.map_ids import map_ids

    table = path if path.name in _TABLES else _table(path)
    if table is None:
        raise MasksUnreadable(f"{path.name} has neither {' nor '.join(_TABLES)}.")
    rows = _rows(table)
    files = sorted_files(
        file
        for file in table.parent.iterdir()
        if file.suffix.lower() in (".tif", ".tiff")
    )
    if not files:
        raise MasksUnreadable(
            f"There are no label images beside {table.name}.",
            "It has to be in the folder with the images of the time points.",
        )
    try:
        first = tifffile.imread(files[0])
        refuse_beyond_memory(path, len(files) * first.size * 4)
        frames = [tifffile.imread(file) for file in files]
        labels = np.stack(frames).astype(np.uint32)
    except NotEnoughMemory:
        raise
    # Damaged files can make the decoder raise any exception.
    except Exception as error:
        raise MasksUnreadable(
            f"The label images beside {table.name} cannot be read, or differ in size."
        ) from error
    # One plane a file, or a stack; a stack of one plane has none.
    labels = labels.reshape(
        len(files), *(n for n in first.shape[:-2] if n > 1), *first.shape[-2:]
    )
    names, mothers = _cells(rows)
    # What has no line in the table is a cell of its own.
    names |= {cell: cell for cell in cell_ids(labels) if cell not in names}
    return ImportedMasks(
        labels=map_ids(labels, names),
        flows=None,
        path=tracks_folder(path),
        axes="TZYX" if labels.ndim == 4 else "TYX",
        mothers=mothers,
    )


def _table(folder: Path) -> Path | None:
    """Return the table of tracks in a folder, or in that of a ground truth in it."""
    tables = [folder / name for name in _TABLES]
    tables += [folder / _TRUTH / name for name in _TABLES]
    return next((table for table in tables if table.is_file()), None)


def _rows(table: Path) -> _Rows:
    """Return begin, end and parent of each track."""
    rows: _Rows = {}
    try:
        lines = table.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MasksUnreadable(f"{table.name} cannot be read as a table.") from error
    for n, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != _COLUMNS or not all(one.isdecimal() for one in fields):
            raise MasksUnreadable(
                f"Line {n} of {table.name} is not four numbers (track, first and last "
                "time point from 0, parent)."
            )
        number, begin, end, parent = map(int, fields)
        rows[number] = begin, end, parent
    return rows


def _cells(
    rows: Mapping[int, tuple[int, int, int]],
) -> tuple[dict[int, int], dict[int, int]]:
    """Return the cell that each track is part of, and the mother of each daughter."""
    children: dict[int, list[int]] = {}
    for number, (_, _, parent) in rows.items():
        if parent in rows:
            children.setdefault(parent, []).append(number)
    names: dict[int, int] = {}
    mothers: dict[int, int] = {}
    for number, (begin, _, parent) in sorted(rows.items(), key=lambda row: row[1][0]):
        # Parents begin earlier, so that they have their names by now.
        cell = names.get(parent)
        has_gap = cell is not None and begin > rows[parent][1] + 1
        if cell is not None and has_gap and len(children[parent]) == 1:
            names[number] = cell
            continue
        names[number] = number
        if cell is not None and begin > rows[parent][1]:
            mothers[number] = cell
    return names, mothers

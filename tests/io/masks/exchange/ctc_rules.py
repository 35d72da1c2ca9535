"""The rules of the Cell Tracking Challenge for folders of tracks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tifffile

from cellpose_studio.core.masks.labels import cell_ids

LARGEST = 65535


def faults_in_ctc(folder: Path) -> list[str]:
    """Return what breaks the rules in a folder of label images and tracks.

    A sentence for each fault; none for a valid folder.
    """
    tables = [folder / name for name in ("res_track.txt", "man_track.txt")]
    table = next((path for path in tables if path.exists()), None)
    if table is None:
        return [f"{folder.name} has neither res_track.txt nor man_track.txt."]
    images = sorted(folder.glob("*.tif"))
    frames = [cell_ids(tifffile.imread(path)) for path in images]
    rows: dict[int, tuple[int, int, int]] = {}
    faults: list[str] = []
    for n, line in enumerate(table.read_text(encoding="ascii").splitlines(), start=1):
        try:
            number, begin, end, parent = map(int, line.split(" "))
        except ValueError:
            faults.append(f"Line {n} of {table.name} is not four numbers: {line}")
            continue
        if number in rows:
            faults.append(f"Track {number} has two lines.")
        rows[number] = begin, end, parent
    present: dict[int, set[int]] = {}
    for t, cells in enumerate(frames):
        for cell in cells:
            present.setdefault(cell, set()).add(t)
    faults += [f"Track {n} has no line." for n in present if n not in rows]
    for number in rows:
        faults += _faults_of(number, rows, present.get(number, set()), len(frames))
    return faults


def _faults_of(
    number: int,
    rows: dict[int, tuple[int, int, int]],
    present: set[int],
    frames: int,
) -> Iterator[str]:
    begin, end, parent = rows[number]
    if not 1 <= number <= LARGEST:
        yield f"Track {number} has no number from 1 to {LARGEST}."
    if not 0 <= begin <= end < frames:
        yield f"Track {number} lasts from {begin} to {end}, of 0 to {frames - 1}."
    if present != {*range(begin, end + 1)}:
        yield f"Track {number} is not in exactly the images from {begin} to {end}."
    if parent and parent not in rows:
        yield f"Track {number} has the parent {parent}, which does not exist."
    elif parent and rows[parent][1] >= begin:
        yield f"Track {number} begins at {begin}, before its parent {parent} ends."

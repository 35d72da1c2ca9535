"""Tracks in the format of the Cell Tracking Challenge, and its rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.masks.lineage import Track, frames_of_cells, tracks_of_cells
from cellpose_studio.io.masks.export_format import LARGEST_UINT16, MasksToExport

_LEAST_DIGITS = 3


def write_ctc_result(folder: Path, masks: MasksToExport) -> None:
    """Write a result: ``mask000.tif`` … and ``res_track.txt``."""
    _write(folder, masks, "mask", "res_track.txt")


def write_ctc_truth(folder: Path, masks: MasksToExport) -> None:
    """Write a ground truth: ``TRA/man_track000.tif`` … and ``TRA/man_track.txt``."""
    inner = folder / "TRA"
    inner.mkdir()
    _write(inner, masks, "man_track", "man_track.txt")


def tracks_to_write(masks: MasksToExport) -> list[Track]:
    """Return the tracks of masks with the axes TYX or TZYX.

    Raises
    ------
    CannotSave
        If mothers and daughters do not fit the masks.
    """
    try:
        return tracks_of_cells(frames_of_cells(masks.labels), masks.parents)
    except ValueError as error:
        raise CannotSave(
            f"The tracks of {masks.image.name} could not be saved: {error}.",
            "Correct the division, or cut it.",
        ) from error


def _write(folder: Path, masks: MasksToExport, stem: str, table: str) -> None:
    """Write a label image for each time point, and the table of tracks.

    The rules: numbers from 1 to 65535, the same in all time points. The table has a
    line ``number begin end parent`` for each track, time points from 0 on, the end
    included, and parent 0 for none. A track without gaps only: what follows a gap has
    a number of its own, and the track before as its parent. Otherwise the numbers are
    the ids of the cells, unless one of them is beyond 65535.
    """
    import tifffile

    # Loading the compiled loops takes time, which only callers of this function pay.
    from cellpose_studio.core.masks.map_ids import map_ids

    tracks = tracks_to_write(masks)
    if len(tracks) > LARGEST_UINT16:
        raise CannotSave(
            f"{len(tracks)} tracks could not be saved: the Cell Tracking Challenge "
            f"allows {LARGEST_UINT16}.",
            "Save TrackMate's file instead, or delete cells.",
        )
    numbers = {track.number: track.number for track in tracks}
    if max(numbers, default=0) > LARGEST_UINT16:
        numbers = {number: n for n, number in enumerate(numbers, start=1)}
    numbers[0] = 0
    labels = masks.labels.astype(np.uint32, copy=False)
    digits = max(_LEAST_DIGITS, len(str(len(labels) - 1)))
    names: list[dict[int, int]] = [{} for _ in labels]
    for one in tracks:
        for t in range(one.begin, one.end + 1):
            names[t][one.cell] = numbers[one.number]
    for t, frame in enumerate(labels):
        tifffile.imwrite(
            folder / f"{stem}{t:0{digits}}.tif",
            map_ids(frame, names[t]).astype(np.uint16),
            compression="zlib",
            photometric="minisblack",
            metadata=None,
        )
    lines = (
        f"{numbers[one.number]} {one.begin} {one.end} {numbers[one.parent]}\n"
        for one in tracks
    )
    (folder / table).write_text("".join(lines), encoding="ascii", newline="\n")

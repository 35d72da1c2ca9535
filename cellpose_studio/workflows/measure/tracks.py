"""The table of tracks of images, as files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.tracks import TrackTable, track_table
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.tables.csv_table import CsvTable
from cellpose_studio.io.tables.dictionary import write_dictionary
from cellpose_studio.io.tables.names import (
    TRACK_COLUMNS_CSV,
    TRACKS_CSV,
    TRACKS_PARQUET,
)
from cellpose_studio.io.tables.parquet_table import ParquetTable
from cellpose_studio.io.tables.table import TableColumn
from cellpose_studio.workflows.measure.items import ImageToMeasure
from cellpose_studio.workflows.measure.tables import TableKind, check_can_write

_WRITERS: dict[TableKind, tuple[str, type[CsvTable] | type[ParquetTable]]] = {
    "csv": (TRACKS_CSV, CsvTable),
    "parquet": (TRACKS_PARQUET, ParquetTable),
}
_LEADING = (
    TableColumn(name="image", kind="text", text="Name of the image."),
    TableColumn(
        name="masks", kind="text", text="Name of the masks that were measured."
    ),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageTracks:
    """The tracks of one image.

    Attributes
    ----------
    image, masks
        Their names.
    """

    image: str
    masks: str
    table: TrackTable


def tracks_of(
    item: ImageToMeasure,
    name: str,
    found: Measurements,
    mothers: Mapping[int, int],
    minutes: float | None = None,
) -> ImageTracks | None:
    """Return the tracks of an image; None if it is no time series."""
    if not found.in_time:
        return None
    table = track_table(found, mothers, minutes)
    return ImageTracks(image=name, masks=item.masks, table=table)


def track_files(folder: Path, kinds: Collection[TableKind]) -> list[Path]:
    """Return the files that a table of tracks of these kinds consists of."""
    return [
        folder / name for name in (*(_WRITERS[k][0] for k in kinds), TRACK_COLUMNS_CSV)
    ]


def write_tracks(
    folder: Path,
    kinds: Collection[TableKind],
    images: Sequence[ImageTracks],
    computed_by: str,
) -> list[Path]:
    """Write the tracks of images into one table, with a dictionary of its columns.

    Raises
    ------
    CannotSave
    """
    check_can_write(folder)
    by_name = {column.name: column for one in images for column in one.table.columns}
    columns = [
        *_LEADING,
        *(
            TableColumn(name=c.name, kind=c.kind, unit=c.unit, text=c.text)
            for c in by_name.values()
        ),
    ]
    files = track_files(folder, kinds)
    # All of them get their names together, or none does.
    with ExitStack() as stack:
        parts = [stack.enter_context(replacing(path)) for path in files]
        write_dictionary(parts[-1], columns, computed_by)
        for kind, part in zip(kinds, parts, strict=False):
            writer = _WRITERS[kind][1](part, columns)
            try:
                for one in images:
                    rows = len(one.table.ids)
                    names = {"image": one.image, "masks": one.masks}
                    same = {key: np.full(rows, text) for key, text in names.items()}
                    writer.add({**same, **one.table.values}, rows)
            finally:
                writer.close()
    return files

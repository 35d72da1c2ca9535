"""The table of tracks of images, as files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.measure.experiment.values import Row, columns_in
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.tracks import TrackTable, track_table
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.tables.csv_table import CsvStyle
from cellpose_studio.io.tables.dictionary import write_dictionary
from cellpose_studio.io.tables.names import (
    TRACK_COLUMNS_CSV,
    TRACKS_CSV,
    TRACKS_PARQUET,
)
from cellpose_studio.io.tables.table import TableColumn
from cellpose_studio.workflows.measure.columns import EXPERIMENT_TEXT
from cellpose_studio.workflows.measure.items import ImageToMeasure
from cellpose_studio.workflows.measure.tables import (
    TableKind,
    check_can_write,
    table_writer,
)

_NAMES: dict[TableKind, str] = {"csv": TRACKS_CSV, "parquet": TRACKS_PARQUET}
_NO_COLUMNS: Row = {}

_MINUTE = 60
"""In seconds."""
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
    experiment
        The image's columns of the experiment.
    """

    image: str
    masks: str
    experiment: Row
    table: TrackTable


def minutes_between(image: ImageSource) -> float | None:
    """Return the minutes between the time points of an image; None if not known."""
    return None if image.interval_s is None else image.interval_s / _MINUTE


def tracks_of(
    item: ImageToMeasure,
    name: str,
    found: Measurements,
    mothers: Mapping[int, int],
    minutes: float | None = None,
    experiment: Row = _NO_COLUMNS,
) -> ImageTracks | None:
    """Return the tracks of an image; None if it is no time series.

    Parameters
    ----------
    minutes
        Between time points, in place of what the image says.
    experiment
        Columns of the experiment.
    """
    if not found.in_time:
        return None
    if minutes is None:
        minutes = minutes_between(item.image)
    table = track_table(found, mothers, minutes)
    return ImageTracks(image=name, masks=item.masks, experiment=experiment, table=table)


def track_files(folder: Path, kinds: Collection[TableKind]) -> list[Path]:
    """Return the files that a table of tracks of these kinds consists of."""
    return [folder / name for name in (*(_NAMES[k] for k in kinds), TRACK_COLUMNS_CSV)]


def write_tracks(
    folder: Path,
    kinds: Collection[TableKind],
    images: Sequence[ImageTracks],
    computed_by: str,
    style: CsvStyle = "comma",
) -> list[Path]:
    """Write the tracks of images into one table, with a dictionary of its columns.

    Raises
    ------
    CannotSave
    """
    check_can_write(folder)
    by_name = {column.name: column for one in images for column in one.table.columns}
    given = columns_in(one.experiment for one in images)
    image, masks = _LEADING
    columns = [
        image,
        *(
            TableColumn(name=_free(name, by_name), kind="text", text=EXPERIMENT_TEXT)
            for name in given
        ),
        masks,
        *(
            TableColumn(name=c.name, kind=c.kind, unit=c.unit, text=c.text)
            for c in by_name.values()
        ),
    ]
    files = track_files(folder, kinds)
    # All of them get their names together, or none does.
    with ExitStack() as stack:
        parts = [stack.enter_context(replacing(path)) for path in files]
        write_dictionary(parts[-1], columns, computed_by, style)
        for kind, part in zip(kinds, parts, strict=False):
            writer = table_writer(kind, part, columns, style)
            try:
                for one in images:
                    rows = len(one.table.ids)
                    names = {"image": one.image, "masks": one.masks}
                    for key in given:
                        names[_free(key, by_name)] = one.experiment.get(key, "")
                    same = {key: np.full(rows, text) for key, text in names.items()}
                    writer.add({**same, **one.table.values}, rows)
            finally:
                writer.close()
    return files


def _free(name: str, taken: Mapping[str, object]) -> str:
    """Return the name of a column of the experiment that no other column has.

    Names differ from those of measurements of cells, not from those of tracks.
    """
    return f"{name}_experiment" if name in taken else name

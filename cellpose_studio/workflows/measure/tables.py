"""The files of a table of measurements: cells, images, and the dictionary."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.measure.experiment.values import Row
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.summary import summary_of
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.tables.csv_table import CsvStyle, CsvTable
from cellpose_studio.io.tables.dictionary import write_dictionary
from cellpose_studio.io.tables.names import (
    CELLS_CSV,
    CELLS_PARQUET,
    COLUMNS_CSV,
    IMAGES_CSV,
)
from cellpose_studio.io.tables.parquet_table import ParquetTable
from cellpose_studio.io.tables.table import Part, TableColumn, TableWriter
from cellpose_studio.paths import can_write_in
from cellpose_studio.workflows.measure.columns import TableColumns
from cellpose_studio.workflows.measure.items import ImageToMeasure

TableKind = Literal["csv", "parquet"]
KINDS: tuple[TableKind, ...] = ("csv", "parquet")


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageRows:
    """What both tables get of one image.

    Attributes
    ----------
    cells, images
        Values of the rows by the name of the column.
    counts
        Numbers of rows of each.
    """

    cells: Part
    images: Part
    counts: tuple[int, int]


_NAMES: dict[TableKind, str] = {"csv": CELLS_CSV, "parquet": CELLS_PARQUET}


def table_writer(
    kind: TableKind, path: Path, columns: Sequence[TableColumn], style: CsvStyle
) -> TableWriter:
    """Return what writes a table of a kind; ``style`` is that of CSV."""
    if kind == "csv":
        return CsvTable(path, columns, style)
    return ParquetTable(path, columns)


def table_files(folder: Path, kinds: Collection[TableKind]) -> list[Path]:
    """Return the files that a table of these kinds consists of."""
    names = [_NAMES[kind] for kind in kinds]
    return [folder / name for name in (*names, IMAGES_CSV, COLUMNS_CSV)]


def check_can_write(folder: Path) -> None:
    """Raise `CannotSave` if tables cannot be written in a folder, or one made there."""
    if not can_write_in(folder):
        raise CannotSave(
            f"The folder {folder} cannot be written to.",
            "Choose another folder for the tables.",
        )


class MeasurementTables:
    """Writes tables image by image; the files are there after the block.

    If it raises, or no image was added, files that were there before are as they were.
    Otherwise a table of another kind that was there is removed: the summary and the
    dictionary are no longer about it.

    Parameters
    ----------
    folder
        Where they go; it is created if it is missing.
    kinds
        Of the table of cells.
    computed_by
        Names and versions of the programs, for the dictionary.
    style
        Of files of CSV.

    Raises
    ------
    CannotSave
        If nothing can be written in the folder.
    """

    def __init__(
        self,
        folder: Path,
        kinds: Collection[TableKind],
        columns: TableColumns,
        computed_by: str,
        style: CsvStyle = "comma",
    ) -> None:
        check_can_write(folder)
        self.files = table_files(folder, kinds)
        self._folder = folder
        self._kinds = kinds
        self._columns = columns
        self._computed_by = computed_by
        self._style = style
        self._stack = ExitStack()
        self._cells: list[TableWriter] = []
        self._images: list[TableWriter] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if kind is None and self._images:
            self._remove_others()

    def rows_of(
        self, item: ImageToMeasure, name: str, row: Row, found: Measurements
    ) -> ImageRows:
        """Return the cells of an image, and what it holds, without writing them.

        Parameters
        ----------
        name
            Of the image.
        row
            Its columns of the experiment.
        """
        cells = len(found)
        same = {"image": name, "masks": item.masks, **self._experiment(row)}
        of_cells = {key: np.full(cells, value) for key, value in same.items()}
        of_cells |= {"time": found.times + 1, "cell": found.ids}
        of_cells |= found.values
        summary = summary_of(found)
        frames = found.shape[0] if found.in_time else 1
        of_image: dict[str, npt.NDArray[Any]] = {
            key: np.full(frames, value) for key, value in same.items()
        }
        sizes = found.scale.sizes_um or (np.nan,) * 3
        for axis, size in zip("zyx", sizes, strict=True):
            there = axis != "z" or item.image.planes > 1
            of_image[f"pixel_{axis}_um"] = np.full(frames, size if there else np.nan)
        of_image["time"] = np.arange(frames) + 1
        grey = item.image.grey_calibration.text if _has_grey(found) else ""
        of_image["calibration"] = np.full(frames, grey)
        of_image["file"] = np.full(frames, str(item.image.path))
        return ImageRows(
            cells=of_cells,
            images={**of_image, **summary.values},
            counts=(cells, frames),
        )

    def add(self, rows: ImageRows) -> None:
        """Append the rows of an image to both tables."""
        if not self._images:
            self._begin()
        for writers, part, count in zip(
            (self._cells, self._images),
            (rows.cells, rows.images),
            rows.counts,
            strict=True,
        ):
            for writer in writers:
                writer.add(part, count)

    def _remove_others(self) -> None:
        for path in set(table_files(self._folder, KINDS)) - {*self.files}:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CannotSave(
                    f"The earlier table {path.name} could not be removed: "
                    f"{error.strerror or error}.",
                    "Close it in other programs, and delete it.",
                ) from error

    def _experiment(self, row: Row) -> dict[str, str]:
        return {name: row.get(name, "") for name in self._columns.experiment}

    def _begin(self) -> None:
        dictionary = self._stack.enter_context(replacing(self._folder / COLUMNS_CSV))
        write_dictionary(
            dictionary, self._columns.every, self._computed_by, self._style
        )
        self._images = [self._writer("csv", IMAGES_CSV, self._columns.images)]
        self._cells = [
            self._writer(kind, _NAMES[kind], self._columns.cells)
            for kind in self._kinds
        ]

    def _writer(
        self, kind: TableKind, name: str, columns: Sequence[TableColumn]
    ) -> TableWriter:
        part = self._stack.enter_context(replacing(self._folder / name))
        writer = table_writer(kind, part, columns, self._style)
        # Before the file gets its name, what is left must be in it.
        self._stack.callback(writer.close)
        return writer


def _has_grey(found: Measurements) -> bool:
    return any(column.channel >= 0 for column in found.columns)

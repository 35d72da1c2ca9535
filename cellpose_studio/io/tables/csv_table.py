"""Tables as CSV: UTF-8, commas, a point in numbers, nothing where one is unknown."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.io.tables.table import Part, TableColumn, rows_of


class CsvTable:
    """Writes a CSV file; the first row has the names of the columns."""

    def __init__(self, path: Path, columns: Sequence[TableColumn]) -> None:
        self._columns = columns
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow([column.name for column in columns])

    def add(self, part: Part, rows: int) -> None:
        """Append rows."""
        self._rows.writerows(rows_of(self._columns, part, rows))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

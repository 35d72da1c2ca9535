"""Tables as CSV: UTF-8, nothing where a number is unknown.

Columns are separated by commas and numbers have a point, unless a spreadsheet in
another language is to read them.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

from cellpose_studio.io.tables.table import Part, TableColumn, rows_of

CsvStyle = Literal["comma", "semicolon"]
"""Commas and decimal points, or semicolons and decimal commas."""

_SIGNS: dict[CsvStyle, tuple[str, str]] = {"comma": (",", "."), "semicolon": (";", ",")}


class CsvTable:
    """Writes a CSV file; the first row has the names of the columns."""

    def __init__(
        self, path: Path, columns: Sequence[TableColumn], style: CsvStyle = "comma"
    ) -> None:
        self._point = _SIGNS[style][1]
        self._columns = columns
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv_rows(self._file, style)
        self._rows.writerow([column.name for column in columns])

    def add(self, part: Part, rows: int) -> None:
        """Append rows."""
        self._rows.writerows(rows_of(self._columns, part, rows, self._point))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def csv_rows(file: TextIO, style: CsvStyle) -> Any:
    """Return a writer of the module csv for an open file."""
    return csv.writer(file, delimiter=_SIGNS[style][0], lineterminator="\n")

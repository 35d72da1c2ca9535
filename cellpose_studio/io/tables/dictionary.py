"""The dictionary beside a table: what each column means, and what computed it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.io.tables.csv_table import CsvStyle, csv_rows
from cellpose_studio.io.tables.table import TableColumn


def write_dictionary(
    path: Path,
    columns: Sequence[TableColumn],
    computed_by: str,
    style: CsvStyle = "comma",
) -> None:
    """Write a CSV file with a row for each column.

    Parameters
    ----------
    computed_by
        Names and versions of the programs.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv_rows(file, style)
        rows.writerow(("column", "unit", "definition", "computed_by"))
        for column in columns:
            rows.writerow((column.name, column.unit, column.text, computed_by))

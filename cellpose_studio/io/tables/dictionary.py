"""The dictionary beside a table: what each column means, and what computed it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.io.tables.table import TableColumn


def write_dictionary(
    path: Path, columns: Sequence[TableColumn], computed_by: str
) -> None:
    """Write a CSV file with a row for each column.

    Parameters
    ----------
    computed_by
        Names and versions of the programs.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("column", "unit", "definition", "computed_by"))
        for column in columns:
            rows.writerow((column.name, column.unit, column.text, computed_by))

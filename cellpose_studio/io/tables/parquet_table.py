"""Tables as Parquet, with the units and definitions of the columns in the metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellpose_studio.io.tables.table import Part, TableColumn, values_of

DICTIONARY_KEY = "cellpose_studio_columns"
"""Key of the metadata: JSON with the unit and the definition of each column."""

_GROUP = 100_000
"""Rows of a group: with few of them, the list of groups at the end would be long."""


class ParquetTable:
    """Writes a Parquet file."""

    def __init__(self, path: Path, columns: Sequence[TableColumn]) -> None:
        self._path = path
        self._columns = columns
        self._waiting: list[tuple[Part, int]] = []
        self._count = 0
        self._begun = False

    def add(self, part: Part, rows: int) -> None:
        """Append rows."""
        self._waiting.append((part, rows))
        self._count += rows
        if self._count >= _GROUP:
            self._write()

    def close(self) -> None:
        """Write the rows that wait, or a file without rows."""
        if self._waiting or not self._begun:
            self._write()

    def _write(self) -> None:
        # These take a second to import, which only this format needs.
        import fastparquet
        import pandas as pd

        frame = pd.DataFrame(
            {column.name: self._values(column) for column in self._columns}
        )
        facts = {c.name: {"unit": c.unit, "definition": c.text} for c in self._columns}
        texts = {c.name: "utf8" for c in self._columns if c.kind == "text"}
        fastparquet.write(
            str(self._path),
            frame,
            compression="SNAPPY",
            append=self._begun,
            write_index=False,
            object_encoding=texts,
            custom_metadata={DICTIONARY_KEY: json.dumps(facts, ensure_ascii=False)},
        )
        self._begun = True
        self._waiting.clear()
        self._count = 0

    def _values(self, column: TableColumn) -> object:
        import pandas as pd

        parts = [values_of(column, part, rows) for part, rows in self._waiting]
        values = np.concatenate(parts) if parts else np.zeros(0)
        if column.kind == "text":
            return pd.Series(values.astype(str), dtype=object)
        if column.kind == "number":
            return values.astype(np.float64)
        known = np.isfinite(values.astype(np.float64))
        whole = np.where(known, values, 0).astype(np.int64)
        return pd.arrays.IntegerArray(whole, ~known)

"""A table in parts, as the formats write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Kind = Literal["text", "whole", "number"]
Part = Mapping[str, npt.NDArray[Any]]
"""Values of some rows by the name of the column; those of missing columns are empty."""


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    """A column of a table.

    Attributes
    ----------
    name
        Its heading, with the unit.
    kind
        Whether it holds texts, whole numbers or any numbers; NaN is an empty cell.
    unit
        "" for none.
    text
        What it means, for the dictionary.
    """

    name: str
    kind: Kind
    unit: str = ""
    text: str = ""


class TableWriter(Protocol):
    """Writes a table part by part."""

    def add(self, part: Part, rows: int) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


def values_of(column: TableColumn, part: Part, rows: int) -> npt.NDArray[Any]:
    """Return (rows,) values of a column, empty ones if the part does not have it."""
    if column.name in part:
        return part[column.name]
    if column.kind == "text":
        return np.full(rows, "")
    return np.full(rows, np.nan)


def rows_of(
    columns: Sequence[TableColumn], part: Part, rows: int, point: str = "."
) -> list[list[str]]:
    """Return rows as texts: numbers with all their digits, "" where one is unknown."""
    texts = [_texts(column, values_of(column, part, rows), point) for column in columns]
    return [list(row) for row in zip(*texts, strict=True)]


def _texts(column: TableColumn, values: npt.NDArray[Any], point: str) -> list[str]:
    if column.kind == "text":
        return [str(value) for value in values.tolist()]
    known = np.isfinite(values.astype(np.float64)).tolist()
    form = int if column.kind == "whole" else float
    pairs = zip(values.tolist(), known, strict=True)
    texts = [repr(form(value)) if there else "" for value, there in pairs]
    return texts if point == "." else [text.replace(".", point) for text in texts]

"""Rows of the table of measurements as text for a spreadsheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.ui.measure.table.rows import Field, Rows


def table_text(
    rows: Rows,
    fields: Sequence[Field],
    which: npt.NDArray[np.intp],
    decimal: str,
) -> str:
    """Return rows as lines of values between tabs, with the titles above them.

    Numbers have all their digits and the decimal sign that the user's spreadsheet
    takes them by. What is not known is empty.
    """
    columns = [_texts(rows.values[one.name][which], one, decimal) for one in fields]
    lines = ["\t".join(one.heading for one in fields)]
    lines += ["\t".join(line) for line in zip(*columns, strict=True)]
    return "\n".join(lines) + "\n"


def _texts(values: npt.NDArray[Any], one: Field, decimal: str) -> Iterator[str]:
    if one.is_text:
        # A tab or a line break within a value would shift the rest of its line.
        return (" ".join(str(value).split()) for value in values.tolist())
    return (_number(value, decimal) for value in values.tolist())


def _number(value: float, decimal: str) -> str:
    if math.isnan(value):
        return ""
    if value == int(value):
        return str(int(value))
    return repr(float(value)).replace(".", decimal)

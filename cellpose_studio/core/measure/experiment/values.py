"""Columns of the experiment: what a user knows of an image beyond its pixels."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.measure.columns import columns_of
from cellpose_studio.core.measure.inputs import CellClasses
from cellpose_studio.core.measure.scale import Scale
from cellpose_studio.core.measure.summary import summary_columns

Row = Mapping[str, str]

_PART = re.compile(r"\{(?P<name>[^{}]*)\}|(?P<any>\*)|(?P<one>\?)|(?P<text>[^{}*?]+)")
_NAME = re.compile(r"[^\W\d]\w*")

_FIXED = (
    "image", "masks", "time", "cell",
    "pixel_z_um", "pixel_y_um", "pixel_x_um", "calibration", "file",
)  # fmt: skip
"""Names of columns that tables of cells and of images have anyway."""


class ExperimentUnfit(StudioError):
    """A pattern or a table of an experiment cannot be used."""


class NamePattern:
    """Takes columns of the experiment from the names of images.

    Parameters
    ----------
    pattern
        As the names without suffix are, with ``{name}`` for the value of a column,
        ``*`` for anything and ``?`` for one sign: "{condition}_{well}_*". A value
        contains none of the signs, such as an underscore, that stand beside it in the
        pattern; letters and digits do not count.

    Raises
    ------
    ExperimentUnfit
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        names: list[str] = []
        parts: list[str] = []
        for found in _pieces(pattern):
            if found["text"]:
                parts.append(re.escape(found["text"]))
            elif found["name"] is None:
                parts.append(".*?" if found["any"] else ".")
            else:
                names.append(checked_name(found["name"], names))
                parts.append(f"(?P<{names[-1]}>{_value(pattern, *found.span())})")
        if not names:
            raise ExperimentUnfit(
                f"The pattern {pattern} has no column.",
                "Write {name} where the value of a column is.",
            )
        self.columns = tuple(names)
        self._expression = re.compile("".join(parts), re.DOTALL)

    def values(self, name: str) -> dict[str, str] | None:
        """Return the value of each column for a name; None if it does not fit."""
        found = self._expression.fullmatch(name)
        return None if found is None else found.groupdict()


def _pieces(pattern: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if found is None:
            raise ExperimentUnfit(
                f"The pattern {pattern} has a brace without its partner.",
                "Write {name} where the value of a column is.",
            )
        yield found
        at = found.end()


def _value(pattern: str, start: int, end: int) -> str:
    """Return the expression for a value between two places of a pattern."""
    beside = {*pattern[max(start - 1, 0) : start], *pattern[end : end + 1]}
    if "{" in beside:
        raise ExperimentUnfit(
            f"The pattern {pattern} has two columns with nothing between them.",
            "Write what separates them in the names.",
        )
    signs = "".join(c for c in sorted(beside) if not (c.isalnum() or c in "*?}"))
    return f"[^{re.escape(signs)}]+?" if signs else ".+?"


def pasted(text: str) -> dict[str, dict[str, str]]:
    """Return columns by the names of images, from a table as spreadsheets copy it.

    Its first row has the names of the columns, the first one being ``image``. Columns
    are separated by tabs, semicolons or commas.

    Raises
    ------
    ExperimentUnfit
    """
    text = text.lstrip("\ufeff")
    head = next(iter(text.splitlines()), "")
    separator = next((sign for sign in "\t;" if sign in head), ",")
    # A cell in quotes may have several lines.
    read = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        first, *rows = [row for row in read if any(row)] or [[""]]
    except csv.Error as error:
        raise ExperimentUnfit(
            f"Row {read.line_num} of the table cannot be read: {error}.",
            "Look for a quotation mark without its partner there.",
        ) from error
    columns = [name.strip() for name in first]
    if columns[0].casefold() != "image" or len(columns) < 2:
        raise ExperimentUnfit(
            "The first column of the table is not named image, or is the only one.",
            "Begin with a row such as: image, condition, well.",
        )
    names: list[str] = []
    for name in columns[1:]:
        names.append(checked_name(name, names))
    found: dict[str, dict[str, str]] = {}
    for image, *values in rows:
        if image.strip() in found:
            raise ExperimentUnfit(
                f"The table has {image.strip()} twice.", "Keep one row of each image."
            )
        filled = [*values, *[""] * len(names)][: len(names)]
        stripped = (value.strip() for value in filled)
        found[image.strip()] = dict(zip(names, stripped, strict=True))
    return found


def spelt_alike(rows: Iterable[Row], known: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return rows in which names that differ only by case are spelt as the first one.

    Those of ``known`` come before all others: no table has ``well`` and ``Well``.
    """
    spelling = {name.casefold(): name for name in reversed([*known])}
    return [
        {spelling.setdefault(name.casefold(), name): row[name] for name in row}
        for row in rows
    ]


def columns_in(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the names of all columns, in the order in which they come."""
    return tuple(dict.fromkeys(name for row in rows for name in row))


def checked_name(name: str, others: Sequence[str]) -> str:
    """Return a name for one more column, without blanks around it.

    Raises
    ------
    ExperimentUnfit
        If it is no name, or taken by another column or by one that is measured.
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise ExperimentUnfit(
            f"A column cannot be named “{name}”.",
            "Use letters, digits and underscores, and begin with a letter.",
        )
    if name.casefold() in map(str.casefold, others):
        raise ExperimentUnfit(f"There is more than one column named {name}.")
    if name.casefold() in _reserved():
        raise ExperimentUnfit(
            f"The name {name} is taken by a column of the tables of measurements.",
            "Choose another name.",
        )
    return name


@cache
def _reserved() -> frozenset[str]:
    """Return all names of columns of the tables but those of channels, in lower case.

    They do not depend on the images, so that a name that can be used stays usable.
    """
    known = [*_FIXED]
    for deep in (False, True):
        columns = columns_of(
            Scale(um=1.0), deep, facts=True, classes=CellClasses(known={})
        )
        known += [column.name for column in columns]
        known += [column.name for column in summary_columns(columns)]
    return frozenset(map(str.casefold, known))

"""Options for the columns of the experiment, and what they give to images."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.core.measure.experiment.values import (
    ExperimentUnfit,
    NamePattern,
    pasted,
)
from cellpose_studio.core.wording import counted, some
from cellpose_studio.workflows.measure.experiment_rows import (
    TableRows,
    ambiguity_text,
    fits_nothing,
    rows_of_items,
    table_rows,
)
from cellpose_studio.workflows.measure.items import ImageToMeasure


def add_experiment(parser: argparse.ArgumentParser) -> None:
    """Add ``--pattern``, ``--experiment`` and ``--preview``."""
    parser.add_argument(
        "--pattern",
        metavar="TEXT",
        help="columns of the experiment from the names of images without suffix: "
        "{condition}_{well}_*, with * for anything and ? for one sign",
    )
    parser.add_argument(
        "--experiment",
        type=Path,
        metavar="FILE",
        help="columns of the experiment from a CSV file with a column image",
    )
    parser.add_argument(
        "--preview",
        action="store_true",
        help="print the columns of the experiment, and measure nothing",
    )


@dataclass(frozen=True, kw_only=True)
class ExperimentRows:
    """The columns of the experiment of images.

    Attributes
    ----------
    rows
        One of each image.
    notes
        Lines about images without columns, and rows without an image.
    problems
        Sentences about what fits no image, or several.
    """

    rows: list[dict[str, str]]
    notes: tuple[str, ...]
    problems: tuple[str, ...]


class Experiment:
    """The pattern and the table of the options.

    Raises
    ------
    ExperimentUnfit
        If the table cannot be read, or the pattern is none.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._pattern = NamePattern(options.pattern) if options.pattern else None
        self._table = _table(options.experiment) if options.experiment else {}

    def rows_of(
        self, items: Sequence[ImageToMeasure], names: Sequence[str]
    ) -> ExperimentRows:
        """Return the columns of images, which are listed under ``names``."""
        images = [item.image for item in items]
        found = table_rows(self._table, images, names)
        rows = rows_of_items(items, self._pattern, found)
        problems = ambiguity_text(found, names), fits_nothing(self._pattern, images)
        return ExperimentRows(
            rows=rows,
            notes=(*self._unfit(names, rows), *_unknown(found)),
            problems=tuple(one for one in problems if one),
        )

    def _unfit(
        self, names: Sequence[str], rows: Sequence[Mapping[str, str]]
    ) -> Iterator[str]:
        """Yield a line about the images that have no columns of the experiment."""
        unfit = [name for name, row in zip(names, rows, strict=True) if not row]
        if unfit and (self._pattern or self._table):
            where = self._pattern.pattern if self._pattern else "the table"
            images = counted(len(unfit), "image")
            yield f"No columns of the experiment for {images} ({where}): {some(unfit)}"


def preview(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """Return a line for each image with its columns."""
    lines = [
        (name, ", ".join(f"{column}={value}" for column, value in row.items()))
        for name, row in zip(names, rows, strict=True)
    ]
    return "\n".join(f"{name}: {values or '–'}" for name, values in lines)


def _unknown(found: TableRows) -> Iterator[str]:
    """Yield a line about the rows of the table that name no image."""
    if found.unknown:
        rows = counted(len(found.unknown), "row")
        yield f"No image for {rows} of the table: {some(found.unknown)}"


def _table(path: Path) -> dict[str, dict[str, str]]:
    try:
        return pasted(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ExperimentUnfit(
            f"{path.name} cannot be read: {error.strerror or error}."
        ) from error
    except UnicodeDecodeError as error:
        raise ExperimentUnfit(
            f"{path.name} is no text in UTF-8.", "Save it as CSV UTF-8."
        ) from error

"""The columns of the experiment of images, from patterns, tables and projects."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.measure.experiment.values import (
    NamePattern,
    Row,
    columns_in,
    spelt_alike,
)
from cellpose_studio.core.wording import MOST_NAMES, image_count, some
from cellpose_studio.io.masks.folders import bare_stem
from cellpose_studio.workflows.measure.items import ImageToMeasure


@dataclass(frozen=True)
class TableRows:
    """The rows of a table, by the image.

    Attributes
    ----------
    rows
        By the index of the image.
    ambiguous
        Of each name that may be several files, the indices of the images.
    unknown
        Names that no image has.
    """

    rows: Mapping[int, Row]
    ambiguous: Mapping[str, Sequence[int]]
    unknown: tuple[str, ...]


def table_rows(
    table: Mapping[str, Row], images: Sequence[ImageSource], names: Sequence[str]
) -> TableRows:
    """Find the image of each row of a table.

    A row names an image as it is listed, by the end of its path, or by its file, with
    or without the suffix. The scenes of a file have the row of the file, and what they
    have in a row of their own. A name that several files have is no row of any.

    Parameters
    ----------
    table
        Rows by the name of the image.
    names
        Under which the images are listed.
    """
    places = _Places(images, names)
    named = {name: places.named(name) for name in table}
    ambiguous = {
        name: found
        for name, found in named.items()
        if len({images[n].path for n in found}) > 1
    }
    rows: dict[int, dict[str, str]] = {}
    # A row of one scene counts more than one of all scenes of its file.
    for name in sorted(named, key=lambda name: -len(named[name])):
        for n in named[name] if name not in ambiguous else ():
            rows.setdefault(n, {}).update(table[name])
    unknown = tuple(name for name, found in named.items() if not found)
    return TableRows(rows, ambiguous, unknown)


def ambiguity_text(found: TableRows, names: Sequence[str]) -> str:
    """Return a sentence for each name that may be several files; "" if none may be."""
    return " ".join(
        f"{name} may be {image_count(len(numbers))}, so its row was not used: "
        f"write {' or '.join(names[n] for n in numbers[:MOST_NAMES])}."
        for name, numbers in found.ambiguous.items()
    )


def rows_of_items(
    items: Sequence[ImageToMeasure], pattern: NamePattern | None, found: TableRows
) -> list[dict[str, str]]:
    """Return the columns of the experiment of each image, with one spelling of each.

    Those of a project give way to those of the pattern, and these to the table.
    """
    stems = _stems([item.image for item in items])
    layers: list[list[Row]] = [
        [item.experiment for item in items],
        [(pattern.values(stem) if pattern else None) or {} for stem in stems],
        [found.rows.get(n, {}) for n in range(len(items))],
    ]
    rows: list[dict[str, str]] = [{} for _ in items]
    for layer in layers:
        alike = spelt_alike(layer, columns_in(rows))
        rows = [{**row, **more} for row, more in zip(rows, alike, strict=True)]
    return rows


def fits_nothing(pattern: NamePattern | None, images: Sequence[ImageSource]) -> str:
    """Return a sentence if a pattern fits the name of no image; "" otherwise."""
    stems = _stems(images)
    if pattern is None or not stems or any(map(pattern.values, stems)):
        return ""
    return (
        f"The pattern {pattern.pattern} fits no name: {some([*dict.fromkeys(stems)])}."
    )


def _stems(images: Sequence[ImageSource]) -> list[str]:
    """Return the names that a pattern is about."""
    return [bare_stem(image.path.stem) for image in images]


class _Places:
    """Finds images by what a table may call them."""

    def __init__(self, images: Sequence[ImageSource], names: Sequence[str]) -> None:
        self._listed: dict[str, list[int]] = {}
        self._ends: dict[str, list[int]] = {}
        for n, (image, name) in enumerate(zip(images, names, strict=True)):
            self._listed.setdefault(name, []).append(n)
            for path in dict.fromkeys(_paths_of(image)):
                self._ends.setdefault(posixpath.basename(path), []).append(n)
        self._images = images

    def named(self, name: str) -> list[int]:
        """Return the indices of the images that a name means."""
        wanted = posixpath.normpath(name.replace("\\", "/")) if name else ""
        if exact := self._listed.get(name) or self._listed.get(wanted):
            return exact
        # Of thousands of images, only those with the same last part are compared.
        near = dict.fromkeys(self._ends.get(posixpath.basename(wanted), ()))
        end = f"/{wanted.lstrip('/')}"
        return [
            n
            for n in near
            if any(f"/{path}".endswith(end) for path in _paths_of(self._images[n]))
        ]


def _paths_of(image: ImageSource) -> tuple[str, ...]:
    """Return the paths under which a table may have an image."""
    path = image.path
    names = (image.name, path.name, path.stem, bare_stem(path.stem))
    return tuple(f"{path.parent.as_posix()}/{name}" for name in names)

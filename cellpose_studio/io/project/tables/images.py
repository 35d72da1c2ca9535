"""The table of images: references to files, never pixels."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath, PurePosixPath

import numpy as np

from cellpose_studio.core.images.image import ImageSource, Shape
from cellpose_studio.io.images.referenced import ReferencedPixels
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import from_json, reading, to_json

_COLUMNS = (
    "id, path, relative, scene, shape, dtype, file_axes, asked_axes, pixel_size_um, "
    "channel_names, rgb, fingerprint, active, reviewed, hidden"
)
_PATH, _RELATIVE = 1, 2


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """An image as stored in a project.

    Attributes
    ----------
    asked_axes
        Axes that the user chose; None if the metadata define them.
    active
        Name of the displayed label set.
    reviewed
        Whether the user has marked it as reviewed.
    hidden
        Whether the user removed it from the project; its masks are kept.
    """

    id: int
    image: ImageSource
    asked_axes: str | None = None
    active: str = "cells"
    reviewed: bool = False
    hidden: bool = False


def write_image(db: sqlite3.Connection, stored: StoredImage, folder: Path) -> None:
    """Insert or update an image; ``folder`` is that of the project."""
    image = stored.image
    values = (
        stored.id,
        str(image.path),
        relative_to(folder, image.path),
        image.scene,
        to_json(image.shape),
        image.dtype.str,
        image.file_axes,
        stored.asked_axes,
        _sizes_json(image),
        to_json(image.channel_names),
        int(image.rgb),
        image.fingerprint,
        stored.active,
        int(stored.reviewed),
        int(stored.hidden),
    )
    # REPLACE would delete the row, to which label sets refer.
    names = [*_COLUMNS.split(", ")[1:], "sha256"]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    marks = ", ".join("?" * (len(values) + 1))
    db.execute(
        f"INSERT INTO image ({_COLUMNS}, sha256) VALUES ({marks}) "  # noqa: S608
        f"ON CONFLICT (id) DO UPDATE SET {changes}",
        (*values, _sha256(values)),
    )


def read_image_table(db: sqlite3.Connection, folder: Path) -> list[StoredImage]:
    """Return all images in the order in which they were added.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the list of images"):
        rows = db.execute(
            f"SELECT {_COLUMNS}, sha256 FROM image ORDER BY id"  # noqa: S608
        )
        place = _Places(folder)
        return [_checked(row, place) for row in rows]


def read_image(db: sqlite3.Connection, number: int) -> StoredImage:
    """Return one image with the path that is stored, wherever the file is now.

    Raises
    ------
    ProjectDamaged
    """
    # The relative path is no part of the checksum, because it moves with the file.
    columns = _COLUMNS.replace("relative", "NULL")
    with reading("an image"):
        row = db.execute(
            f"SELECT {columns}, sha256 FROM image WHERE id = ?",  # noqa: S608
            (number,),
        ).fetchone()
        return _checked(row, _Places(Path()))


def read_paths_with_masks(
    db: sqlite3.Connection, folder: Path, paths: Collection[Path]
) -> set[Path]:
    """Return those of ``paths`` whose images have masks; ``folder`` is the project's.

    Images that were removed from the project do not count.

    Raises
    ------
    ProjectDamaged
    """
    # Only rows of these names are located, because locating asks the disk.
    names = {path.name for path in paths}
    with reading("the list of images"):
        rows = db.execute(
            "SELECT path, relative FROM image WHERE NOT hidden AND id IN "
            "(SELECT image FROM label_set WHERE cells > 0 OR head IS NOT NULL)"
        )
        place = _Places(folder)
        found = {
            place.of(Path(_text(path)), relative)
            for path, relative in rows
            if PurePath(_text(path)).name in names
        }
    return found & set(paths)


def image_of_row(row: tuple[object, ...], folder: Path) -> StoredImage:
    """Return the image of a row of all columns.

    Raises
    ------
    ProjectDamaged
    """
    with reading("an image"):
        return _checked(row, _Places(folder))


def rewrite_paths(db: sqlite3.Connection, old: Path, new: Path) -> None:
    """Update the paths for a project that is copied from folder ``old`` to ``new``.

    Both use the present location: the stored paths may be outdated.
    """
    place = _Places(old)
    columns = f"SELECT {_COLUMNS}, sha256 FROM image"  # noqa: S608
    for *row, sha256 in db.execute(columns).fetchall():
        # A damaged row is kept unchanged: its checksum must still reveal the damage.
        if sha256 == _sha256(tuple(row)):
            path = place.of(Path(row[_PATH]), row[_RELATIVE])
            row[_PATH], row[_RELATIVE] = str(path), relative_to(new, path)
            db.execute(
                "UPDATE image SET path = ?, relative = ?, sha256 = ? WHERE id = ?",
                (row[_PATH], row[_RELATIVE], _sha256(tuple(row)), row[0]),
            )


def relative_to(folder: Path, path: Path) -> str | None:
    """Return ``path`` from ``folder``, with slashes; None on another drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return None


class _Places:
    """Locates images: the project may have been moved together with them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Thousands of images share few folders, and network drives are slow to query.
        self._exists = cache(os.path.isdir)

    def of(self, path: Path, relative: str | None) -> Path:
        if relative is None:
            return path
        beside = Path(os.path.normpath(self._folder / PurePosixPath(relative)))
        if beside == path or not self._exists(beside.parent):
            return path
        moved = self._folder / PurePosixPath(relative)
        # If the file is in neither place, the one beside the project is taken, where at
        # least the folder exists.
        return beside if moved.exists() or not path.exists() else path


def _sha256(row: tuple[object, ...]) -> bytes:
    """Return the checksum of all but the relative path, which moves with the file."""
    return row_sha256(*row[:_RELATIVE], *row[_RELATIVE + 1 :])


def _checked(row: tuple[object, ...], place: _Places) -> StoredImage:
    *values, sha256 = row
    check(sha256, _sha256(tuple(values)))
    return _stored(tuple(values), place)


def _stored(row: tuple[object, ...], place: _Places) -> StoredImage:
    (number, path, relative, scene, shape, dtype, file_axes, asked, size, names) = row[
        :10
    ]
    rgb, fingerprint, active, reviewed, hidden = row[10:]
    where = place.of(Path(_text(path)), None if relative is None else _text(relative))
    lengths = _shape(from_json(_text(shape)))
    asked_axes = None if asked is None else _text(asked)
    reader = ReferencedPixels(
        where, _text(scene), asked_axes, lengths, _text(fingerprint)
    )
    # A step without a unit and the seconds between time points follow the sizes, where
    # they are known.
    numbers = [None if n is None else float(n) for n in from_json(_text(size))]
    z, y, x, ratio, interval = [*numbers, None, None][:5]
    image = ImageSource(
        path=where,
        scene=_text(scene),
        shape=lengths,
        dtype=np.dtype(_text(dtype)),
        file_axes=_text(file_axes),
        pixel_size_um=(z, y, x),
        step_ratio=ratio,
        interval_s=interval,
        channel_names=tuple(_text(name) for name in from_json(_text(names))),
        rgb=bool(rgb),
        fingerprint=_text(fingerprint),
        reader=reader,
    )
    if len(image.channel_names) != image.channels:
        raise ValueError("names and number of channels differ")
    return StoredImage(
        id=_number(number),
        image=image,
        asked_axes=asked_axes,
        active=_text(active),
        reviewed=bool(reviewed),
        hidden=bool(hidden),
    )


def _sizes_json(image: ImageSource) -> str:
    """Return the sizes, and behind them what files without it lack."""
    more = [image.step_ratio, image.interval_s]
    while more and more[-1] is None:
        more.pop()
    return to_json([*image.pixel_size_um, *more])


def _shape(values: Iterable[object]) -> Shape:
    t, c, z, y, x = (_number(value) for value in values)
    if min(t, c, z, y, x) < 1:
        raise ValueError("an image without pixels")
    return t, c, z, y, x


def _text(value: object) -> str:
    # SQLite does not enforce the types of columns, so a damaged file may hold any.
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("not a number")
    return value

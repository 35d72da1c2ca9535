"""Fingerprints: fast recognition of files that were replaced."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from cellpose_studio.io.images.vendor.formats import files_folder
from cellpose_studio.paths import special_kind

# A hash of all bytes would make opening an image as slow as reading all of it.
_END = 64 * 1024

_LABELS = "labels"


def fingerprint(path: Path) -> str:
    """Return a hash of the size and the two ends of a file.

    For a folder, that is an OME-Zarr, the first and last files at every level below it
    are hashed. Its own files and its labels are ignored, because they change when masks
    are saved in it. Of an OIF file, the first and last files of its folder count, too.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    for file in _files_at_ends(path) if path.is_dir() else _file_and_pixels(path):
        digest.update(_ends(file))
    return digest.hexdigest()


def _file_and_pixels(path: Path) -> Iterator[Path]:
    yield path
    if (folder := files_folder(path)) is not None:
        yield from _first_and_last(_listed(folder)[1])


def _files_at_ends(folder: Path) -> Iterator[Path]:
    folders, _ = _listed(folder)
    for inner in _first_and_last([f for f in folders if f.name != _LABELS]):
        _, files = _listed(inner)
        yield from _first_and_last(files)
        yield from _files_at_ends(inner)


def _listed(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the files in a folder, sorted."""
    with os.scandir(folder) as entries:
        # A link to a folder could lead in a circle, so no link counts as one.
        found = [
            (Path(entry), entry.is_dir(follow_symlinks=False))
            for entry in entries
            if not special_kind(Path(entry))
        ]
    # The order of entries differs between file systems, but the fingerprint must not.
    folders = sorted(path for path, is_folder in found if is_folder)
    return folders, sorted(path for path, is_folder in found if not is_folder)


def _first_and_last(paths: list[Path]) -> list[Path]:
    return list(dict.fromkeys([*paths[:1], *paths[-1:]]))


def _ends(file: Path) -> bytes:
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(_END)
        stream.seek(max(0, size - _END))
        # A change of length in the middle leaves both ends as they are, so the size is
        # included.
        return size.to_bytes(8, "little") + start + stream.read(_END)

"""The files of a package: a ZIP or a folder, of which nothing is trusted.

Files are read by their names and never unpacked. What could lead out of the package,
or fill the memory, is refused.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.paths import is_folder, real_path, special_kind

_DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml", "model.yaml")
_MOST_FILES = 1000
_ENCRYPTED = 1
"""Bit of the flags of a file in a ZIP."""
_UNIX = 16
"""Bits below those of the mode that Unix gives a file, in a ZIP."""


class PackageFiles(Protocol):
    """Reads the files of a package.

    Attributes
    ----------
    description
        Name of the file that describes the model.
    """

    description: str

    def read(self, name: str, most: int) -> bytes:
        """Return the content of a file, named as in the description.

        Raises
        ------
        ModelUnusable
            If it is missing, has more than ``most`` bytes, or lies elsewhere.
        """
        ...


def is_package(path: Path) -> bool:
    """Return whether a ZIP or a folder looks like a package."""
    if special_kind(path):
        return False
    if is_folder(path):
        return bool(_descriptions_in(path))
    if path.suffix.lower() != ".zip":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _described(archive.namelist()) is not None
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


@contextmanager
def open_package(path: Path) -> Iterator[PackageFiles]:
    """Yield the files of a package.

    Raises
    ------
    ModelUnusable
        If it is none, or not safe.
    """
    if special_kind(path):
        raise ModelUnusable(f"{path.name} is {special_kind(path)}, not a package.")
    if is_folder(path):
        yield _Folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise ModelUnusable(
            f"{path.name} cannot be opened: {error.strerror}."
        ) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _damaged(path) from error
    with archive:
        yield _Archive(path, archive)


class _Archive:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        parts = archive.infolist()
        if len(parts) > _MOST_FILES:
            raise _unsafe(path, f"it has {len(parts)} files")
        names = [part.filename for part in parts]
        for part in parts:
            if reason := _reason_unsafe(part):
                raise _unsafe(path, reason)
        if len(set(names)) < len(names):
            raise _unsafe(path, "two of its files have the same name")
        self._top, self.description = _described_in(path, names)

    def read(self, name: str, most: int) -> bytes:
        inside = str(PurePosixPath(self._top) / _plain(self._path, name))
        try:
            part = self._archive.getinfo(inside)
        except KeyError as error:
            raise _missing(self._path, name) from error
        if part.file_size > most:
            raise _unsafe(self._path, f"{name} has {part.file_size:,} bytes")
        try:
            with self._archive.open(part) as file:
                # What a file says of its own size may be wrong.
                content = file.read(most + 1)
        # Damaged archives can make zlib and its relatives raise many exceptions.
        except Exception as error:
            raise _damaged(self._path) from error
        if len(content) > most:
            raise _unsafe(self._path, f"{name} has more bytes than it declares")
        return content


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path
        _, self.description = _described_in(path, _descriptions_in(path))

    def read(self, name: str, most: int) -> bytes:
        file = self._path / _plain(self._path, name)
        if not real_path(file).is_relative_to(real_path(self._path)):
            raise _unsafe(self._path, f"{name} is a link that leads out of it")
        if special_kind(file) or not file.is_file():
            raise _missing(self._path, name)
        try:
            with file.open("rb") as opened:
                content = opened.read(most + 1)
        except OSError as error:
            raise ModelUnusable(
                f"{name} in {self._path.name} cannot be read: {error.strerror}."
            ) from error
        if len(content) > most:
            raise _unsafe(self._path, f"{name} has more than {most:,} bytes")
        return content


def _descriptions_in(folder: Path) -> list[str]:
    """Return the names of the files that describe a model."""
    # A folder of images may have very many files, so it is not listed.
    return [name for name in _DESCRIPTIONS if (folder / name).is_file()]


def _described_in(path: Path, names: list[str]) -> tuple[str, str]:
    found = _described(names)
    if found is None:
        raise ModelUnusable(
            f"{path.name} is no package of bioimage.io: it has no rdf.yaml.",
            "Choose a weight file, or a package with this file.",
        )
    return found


def _described(names: list[str]) -> tuple[str, str] | None:
    """Return the folder and the name of the description; None if there is none."""
    # Some programs pack the folder instead of what is in it.
    for name in names:
        *folders, last = PurePosixPath(name).parts or ("",)
        if last in _DESCRIPTIONS and len(folders) <= 1:
            return "/".join(folders), last
    return None


def _reason_unsafe(part: zipfile.ZipInfo) -> str:
    """Return why a file in a ZIP is refused; "" if it is not."""
    if _leads_out(part.filename):
        return f"{part.filename} leads out of it"
    if stat.S_ISLNK(part.external_attr >> _UNIX):
        return f"{part.filename} is a link"
    if part.flag_bits & _ENCRYPTED:
        return f"{part.filename} is encrypted"
    return ""


def _plain(path: Path, name: str) -> str:
    """Return a name in a description, if it is that of a file of the package."""
    if "://" in name:
        raise ModelUnusable(
            f"{path.name} lacks {name}, which is on the web.",
            "Download the package as a ZIP with all of its files.",
        )
    if not name or _leads_out(name):
        raise _unsafe(path, f"{name or 'an empty name'} leads out of it")
    return str(PurePosixPath(name))


def _leads_out(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/"))
    # A colon is that of a drive, or of a stream, on Windows.
    return parts.is_absolute() or ".." in parts.parts or any(c in name for c in ":\0\\")


def _missing(path: Path, name: str) -> ModelUnusable:
    return ModelUnusable(
        f"{path.name} lacks its file {name}.", "Download the package again."
    )


def _unsafe(path: Path, reason: str) -> ModelUnusable:
    return ModelUnusable(
        f"{path.name} is not opened: {reason}.",
        "Get the package from its authors again.",
    )


def _damaged(path: Path) -> ModelUnusable:
    return ModelUnusable(
        f"{path.name} is damaged, or no ZIP.", "Download the package again."
    )

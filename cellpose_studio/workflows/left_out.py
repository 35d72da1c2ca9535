"""Which files of a folder are not opened with it, and why."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellpose_studio.core.wording import counted
from cellpose_studio.io.images.reader import is_image_path, microscope_format
from cellpose_studio.io.masks.export_formats import FORMATS, IDS_ENDING
from cellpose_studio.io.masks.folders import (
    ImageFiles,
    bare_stem,
    belong_together,
    image_stem,
    is_derived_path,
    is_masks_path,
)
from cellpose_studio.io.natural_order import sorted_files
from cellpose_studio.io.project.database import SUFFIX
from cellpose_studio.io.tables.names import TABLE_FILES, TRACK_FILES
from cellpose_studio.paths import is_folder

_KINDS = 4
"""Kinds that the short text names; the details name all."""

_NAMES = 200
"""File names of one kind that the details list."""

# Of systems, and of this program: nobody misses them.
_SYSTEM = ("thumbs.db", "desktop.ini", "icon\r")
_OWN = (
    *(form.ending.lower() for form in FORMATS.values()),
    IDS_ENDING,
    *TABLE_FILES,
    *TRACK_FILES,
)


@dataclass
class LeftOut:
    """Files and folders of the folders that a user opened which are not opened.

    Attributes
    ----------
    kinds
        Files by what they are, such as "2 × .vsi (…)" without the number: those that
        hold images first.
    folders
        Folders in them, which are not searched.
    """

    kinds: dict[str, list[Path]] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.kinds or self.folders)

    def add(self, other: LeftOut) -> None:
        """Add what was left out of another folder."""
        for kind, files in other.kinds.items():
            self.kinds.setdefault(kind, []).extend(files)
        self.folders += other.folders

    @property
    def text(self) -> str:
        """One or two sentences; "" for nothing.

        For example "3 files left out: 2 × .vsi (not supported; export as OME-TIFF),
        1 × .docx."
        """
        return " ".join(self._sentences())

    @property
    def heading(self) -> str:
        """What stands above `details`, without the kinds."""
        count = sum(map(len, self.kinds.values()))
        return f"{counted(count, 'file')} left out:" if count else "Left out:"

    @property
    def details(self) -> str:
        """The names of files and folders, by kind."""
        groups = [*self.kinds.items()]
        if self.folders:
            groups.append(("folders that were not searched", self.folders))
        return "\n\n".join(_group(title, paths) for title, paths in groups)

    def _sentences(self) -> Iterator[str]:
        if self.kinds:
            count = sum(map(len, self.kinds.values()))
            files = counted(count, "file")
            named = [f"{len(paths):,} × {kind}" for kind, paths in self.kinds.items()]
            if len(named) > _KINDS:
                named[_KINDS:] = [counted(len(named) - _KINDS, "more kind")]
            yield f"{files} left out: {', '.join(named)}."
        if self.folders:
            count = len(self.folders)
            were = "1 folder in it was" if count == 1 else f"{count:,} folders were"
            yield f"{were} not searched: open the folders with images one by one."


def left_out(paths: Sequence[Path], files: Sequence[ImageFiles]) -> LeftOut:
    """Return what was left out of the folders among ``paths`` that gave ``files``.

    A folder without any image is a failure, which says so itself.
    """
    images = [entry.image for entry in files]
    folders = {os.path.split(image)[0] for image in images}
    parents = {Path(folder) for folder in folders}
    # What the user chose as well, and cannot be opened, is a failure of its own.
    told = frozenset(paths)
    left = LeftOut()
    for folder in dict.fromkeys(paths):
        if folder in parents and not is_image_path(folder):
            left.add(left_out_of(folder, images, told))
    return left


def left_out_of(
    folder: Path, images: Collection[Path], told: Collection[Path] = ()
) -> LeftOut:
    """Return what is in ``folder`` beside ``images`` and what belongs to them.

    Hidden files, results of Cellpose and of this program, and projects do not count.
    A folder that cannot be read gives nothing: opening it says that; so it is with
    ``told``.
    """
    # Texts, because paths are slow to make and compare for thousands of files.
    known = {os.fspath(path) for path in (*images, *told)}
    try:
        paths = [Path(path) for path in _paths_in(folder) if path not in known]
    except OSError:
        return LeftOut()
    others = sorted_files(path for path in paths if not _is_nothing(path))
    # Most folders of thousands of images have nothing else.
    stems = {bare_stem(image.stem) for image in images} if others else set()
    left = LeftOut()
    found: dict[str, list[Path]] = {}
    for path in others:
        if is_folder(path) and path.suffix.lower() != ".zarr":
            # Pixels of an OIF file were opened with it.
            if path.with_suffix("") not in images:
                left.folders.append(path)
        elif kind := _kind(path, stems):
            found.setdefault(kind, []).append(path)
    # What holds images is missed most: its text is longer than a suffix.
    ordered = sorted(found, key=lambda kind: ("(" not in kind, -len(found[kind]), kind))
    left.kinds = {kind: found[kind] for kind in ordered}
    return left


def _paths_in(folder: Path) -> list[str]:
    # A path of an image in "." has no dot in front.
    here = os.fspath(folder) == os.curdir
    inside = "" if here else os.path.join(folder, "")  # noqa: PTH118 - a slash at its end
    with os.scandir(folder) as entries:
        return [inside + entry.name for entry in entries]


def _is_nothing(path: Path) -> bool:
    name = path.name.lower()
    if name.startswith(".") or name in _SYSTEM or path.suffix == SUFFIX:
        return True
    if is_masks_path(path):
        return False
    return name.endswith(_OWN) or is_derived_path(path)


def _kind(path: Path, stems: Collection[str]) -> str:
    """Return what a file is, "" if it belongs to one of the images."""
    if is_masks_path(path):
        if bare_stem(image_stem(path)) in stems:
            return ""
        known = any(belong_together(path, stem) for stem in stems)
        return "" if known else "masks (no image of that name)"
    suffix = path.suffix.lower()
    # A picture of true masks, such as a JPEG, is neither an image nor readable masks.
    if is_image_path(path):
        return f"{suffix} (named like masks)"
    if suffix in (".roi", ".geojson"):
        return f"{suffix} (regions; open them by themselves)"
    if suffix == ".zarr":
        return ".zarr (without the metadata of an OME-Zarr)"
    if microscope_format(path):
        return f"{suffix} (not supported; export as OME-TIFF)"
    return suffix or "without a suffix"


def _group(title: str, paths: Sequence[Path]) -> str:
    names = [path.name for path in paths[:_NAMES]]
    if len(paths) > _NAMES:
        names.append(f"and {len(paths) - _NAMES:,} more")
    return "\n".join([f"{len(paths):,} × {title}", *(f"  {name}" for name in names)])

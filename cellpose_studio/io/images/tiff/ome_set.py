"""OME-TIFF images whose planes are distributed over a set of files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree.ElementTree import Element

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.tiff.ome_elements import (
    children,
    descendants,
    image_elements,
)
from cellpose_studio.paths import real_path


def companion_text(path: Path, name: str) -> str:
    """Return the OME-XML of the companion file of ``path``.

    Raises
    ------
    ImageUnreadable
        If it is missing, or is itself an image.
    """
    companion = _beside(path, name)
    if companion.suffix.lower() == ".ome":
        return companion.read_text(encoding="utf-8", errors="replace")
    raise _part_of_set(path, companion.name)


def keep_images_of(path: Path, root: Element) -> None:
    """Remove from OME-XML the images whose first plane is not in the file ``path``.

    All files that are still referenced then exist in the folder of ``path``.
    References to ``path`` itself are removed, so that it may have been renamed.

    Raises
    ------
    ImageUnreadable
        If no image is left, or a file is missing.
    """
    _remove_own_name(path, root)
    first_files = [
        (image, _first_file(pixels)) for image, pixels in image_elements(root)
    ]
    elsewhere = [name for _, name in first_files if name is not None]
    if elsewhere and len(elsewhere) == len(first_files):
        raise _part_of_set(path, elsewhere[0])
    for image, name in first_files:
        if name is not None:
            root.remove(image)
    for uuid in descendants(root, "UUID"):
        _beside(path, uuid.get("FileName", ""))


def _remove_own_name(path: Path, root: Element) -> None:
    """Remove the references to this file; a single reference must mean this file."""
    single = len({uuid.text for uuid in descendants(root, "UUID")}) == 1
    for block in descendants(root, "TiffData"):
        for uuid in children(block, "UUID"):
            same_name = uuid.get("FileName", "").lower() == path.name.lower()
            if single or same_name or uuid.text == root.get("UUID"):
                block.remove(uuid)


def _first_file(pixels: Element) -> str | None:
    """Return the other file that holds the first plane, if one does."""
    for block in children(pixels, "TiffData"):
        if all(int(block.get(f"First{axis}", 0)) == 0 for axis in "ZCT"):
            names = [uuid.get("FileName", "") for uuid in children(block, "UUID")]
            return names[0] if names else None
    return None


def _beside(path: Path, name: str) -> Path:
    """Return the file of that name in the folder of ``path``, and in no other."""
    # The name may have been written on another system, so the separators of both kinds
    # of systems count.
    plain = PurePosixPath(name).name == name == PureWindowsPath(name).name
    # A link may lie in any folder. The other files are beside the file that it points
    # to.
    file = real_path(path).parent / name
    if not name or not plain or not file.is_file():
        raise ImageUnreadable(
            f"{path.name} is part of a set of files, of which {name!r} is missing.",
            "Put all files of the set into one folder.",
        )
    return file


def _part_of_set(path: Path, first: str) -> ImageUnreadable:
    return ImageUnreadable(
        f"{path.name} is part of a set of files.", f"Open {first} instead."
    )

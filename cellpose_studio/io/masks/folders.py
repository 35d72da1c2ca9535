"""Finds the images in a folder, and the masks that belong to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from natsort import os_sorted

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.reader import is_image_path
from cellpose_studio.io.masks.reader import SUFFIXES

# Endings of masks; an ending that contains another one must come first.
_CELLPOSE, _TRUE, _SESSION = "_cp_masks", "_masks", "_seg"

# Pictures that Cellpose writes beside an image; "_outlines_cp_masks.png" among them.
_DERIVED = (
    *("_flows", "_flows_0", "_flows_1", "_flows_2", "_dP", "_cellprob", "_cp_cellprob"),
    *("_outlines", "_cp_outlines", "_cp_output"),
)


@dataclass(frozen=True)
class ImageFiles:
    """An image of a folder, and the files of masks that belong to it.

    True masks come first, then a ``_seg.npy``, then Cellpose's ``_cp_masks``.
    """

    image: Path
    masks: tuple[Path, ...]


def scan_folder(folder: Path) -> list[ImageFiles]:
    """Return the images of ``folder``, as a file manager sorts them.

    Masks, flows, outlines and hidden files are excluded.

    Raises
    ------
    ImageUnreadable
        If the folder cannot be read.
    """
    files = _files(folder)
    masks = _by_image(files)
    images = os_sorted(p for p in files if _may_be_image(p))
    return [ImageFiles(image, masks.get(image.stem, ())) for image in images]


def masks_in(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the masks in ``folder`` by the name of the image they are named after.

    Those of one image are in the order of `ImageFiles`.

    Raises
    ------
    ImageUnreadable
        If the folder cannot be read.
    """
    return _by_image(_files(folder))


def is_masks_path(path: Path) -> bool:
    """Return whether the name of a file is that of masks."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return path.stem.endswith(_SESSION)
    named = suffix in SUFFIXES and path.stem.endswith(_TRUE)
    return named and not image_stem(path).endswith(_DERIVED)


def is_prediction_path(masks: Path) -> bool:
    """Return whether the name of a file of masks is that of a model's result."""
    return masks.stem.endswith(_CELLPOSE)


def image_stem(masks: Path) -> str:
    """Return the name, without suffix, of the image that ``masks`` are named after."""
    for ending in (_CELLPOSE, _TRUE, _SESSION):
        if masks.stem.endswith(ending):
            return masks.stem.removesuffix(ending)
    return masks.stem


def masks_of_image(image: Path) -> tuple[Path, ...]:
    """Return the files of masks in the folder of ``image`` that belong to it."""
    named = (
        image.with_name(image.stem + ending + suffix)
        for ending in (_TRUE, _SESSION, _CELLPOSE)
        for suffix in SUFFIXES
    )
    return _ordered(path for path in named if is_masks_path(path) and path.is_file())


def image_of_masks(masks: Path) -> Path | None:
    """Return the image in the same folder that ``masks`` are named after, if any."""
    stem = image_stem(masks)
    try:
        files = [p for p in masks.parent.iterdir() if p.stem == stem]
    except OSError:
        return None
    return next((p for p in os_sorted(files) if _may_be_image(p)), None)


def _files(folder: Path) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if not p.name.startswith(".")]
    except OSError as error:
        raise ImageUnreadable(
            f"The folder {folder.name} cannot be read: {error.strerror}."
        ) from error


def _by_image(files: list[Path]) -> dict[str, tuple[Path, ...]]:
    masks: dict[str, list[Path]] = {}
    for path in os_sorted(p for p in files if is_masks_path(p)):
        masks.setdefault(image_stem(path), []).append(path)
    return {stem: _ordered(paths) for stem, paths in masks.items()}


def _may_be_image(path: Path) -> bool:
    if is_masks_path(path) or path.stem.endswith((_TRUE, *_DERIVED)):
        return False
    return is_image_path(path)


def _ordered(masks: Iterable[Path]) -> tuple[Path, ...]:
    """Return one file of each kind; TIFF has priority over PNG, which limits ids."""
    by_kind: dict[str, Path] = {}
    for path in sorted(masks, key=lambda p: (SUFFIXES.index(p.suffix.lower()), p.name)):
        by_kind.setdefault(path.stem.removeprefix(image_stem(path)), path)
    return tuple(by_kind[k] for k in (_TRUE, _SESSION, _CELLPOSE) if k in by_kind)

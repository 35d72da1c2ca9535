"""Opens images of all supported formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cellpose_studio.core.errors import ImageUnreadable, StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.images.fingerprint import fingerprint
from cellpose_studio.io.images.ome_zarr import is_ome_zarr, open_ome_zarr
from cellpose_studio.io.images.pages import resolved_pages
from cellpose_studio.io.images.png_jpeg import JPEG_START, PNG_START, open_picture
from cellpose_studio.io.images.stored_image import Stored, damaged, image_source
from cellpose_studio.io.images.tiff.reader import TIFF_STARTS, open_tiff
from cellpose_studio.io.images.vendor.formats import (
    ENDINGS,
    START,
    UNREADABLE,
    format_of,
)
from cellpose_studio.paths import is_folder, special_kind, split_name

_FILES = (".tif", ".tiff", ".btf", ".tf8", ".png", ".jpg", ".jpeg", *ENDINGS)

_ZARR = ".zarr"

IMAGE_SUFFIXES = (*_FILES, _ZARR)
"""Suffixes of images, in lower case."""

IMAGE_FILES = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in _FILES)
"""Patterns for a file dialog of Qt; OME-Zarr is missing because it is a folder."""


def is_image_path(path: Path) -> bool:
    """Return whether a path is probably an image in a supported format.

    Files are recognised by their names, an OME-Zarr by its metadata.
    """
    if is_folder(path):
        return is_ome_zarr(path)
    return has_image_suffix(path.name)


def has_image_suffix(name: str) -> bool:
    """Return whether the name of what is known to be no folder is that of an image."""
    return split_name(name)[1].lower() in _FILES


def microscope_format(path: Path) -> str:
    """Return the format of a microscope's own file, which cannot be read; else ""."""
    return UNREADABLE.get(path.suffix.lower(), "")


def open_images(path: Path, axes: str | None = None) -> list[ImageSource]:
    """Return the images of a file, one per scene; pixels are read when needed.

    ``axes`` applies to images whose metadata do not define the axes: one letter of
    TCZYX, or S for colours, per axis longer than 1.

    Raises
    ------
    ImageUnreadable
        If it is not supported, or damaged, or ``axes`` do not fit it.
    AxesAmbiguous
        If its metadata do not define the axes, and ``axes`` are not given.
    """
    _check_name(path)
    _check_kind(path)
    try:
        images = resolved_pages(path, _stored(path), axes)
        mark = fingerprint(path)
        return [image_source(path, stored, mark) for stored in _with_scenes(images)]
    except StudioError:
        raise
    except FileNotFoundError as error:
        if path.exists():
            raise damaged(path) from error
        raise ImageUnreadable(
            f"{path.name} does not exist in {path.absolute().parent}.",
            "It may have been moved.",
        ) from error
    except OSError as error:
        raise ImageUnreadable(
            f"{path.name} cannot be opened: {error.strerror or error}."
        ) from error
    except ImportError as error:
        raise ImageUnreadable(
            f"{path.name} cannot be opened: {error.name} is missing.",
            "Install the program again.",
        ) from error
    # Damaged files can make the decoders raise any exception.
    except Exception as error:
        raise damaged(path) from error


def _check_name(path: Path) -> None:
    """Refuse a path that is not valid text: projects and records cannot store it."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        name = path.name.encode("utf-8", "replace").decode()
        raise ImageUnreadable(
            f"The name of {name}, or of a folder that it is in, is not valid text "
            "(UTF-8).",
            "Rename it, and open it again.",
        ) from error


def _check_kind(path: Path) -> None:
    """Refuse what must not be opened, or cannot even be asked what it is."""
    if kind := special_kind(path):
        raise ImageUnreadable(f"{path.name} is {kind}, not an image.")


def _stored(path: Path) -> list[Stored]:
    """Open a file by its content, not by its name."""
    if path.is_dir():
        return _folder(path)
    with path.open("rb") as file:
        start = file.read(START)
    if not start:
        raise ImageUnreadable(f"{path.name} is empty.", "Copy or export it again.")
    if form := format_of(path, start):
        return form.open(path)
    if start.startswith(TIFF_STARTS) and not microscope_format(path):
        return open_tiff(path)
    if start.startswith((PNG_START, JPEG_START)):
        return open_picture(path)
    raise _unsupported(path)


def _folder(path: Path) -> list[Stored]:
    if is_ome_zarr(path):
        return open_ome_zarr(path)
    raise ImageUnreadable(
        f"{path.name} is a folder without the metadata of an OME-Zarr.",
        "Choose the folder that holds .zattrs or zarr.json with multiscales.",
    )


def _unsupported(path: Path) -> ImageUnreadable:
    if name := microscope_format(path):
        return ImageUnreadable(
            f"{path.name} is in the format of {name}, which cannot be read.",
            "Export it as OME-TIFF, in the program of the microscope or in Fiji.",
        )
    if path.suffix.lower() in _FILES:
        return damaged(path)
    return ImageUnreadable(
        f"{path.name} is not an image in a supported format.",
        "TIFF, OME-TIFF, PNG, JPEG, OME-Zarr, and files of ZEISS, Nikon, Leica, "
        "Olympus, MetaMorph and Imaris can be opened.",
    )


def _with_scenes(images: list[Stored]) -> list[Stored]:
    """Give each of several images a unique scene name; a single one needs none."""
    if len(images) == 1:
        return [replace(images[0], scene="")]
    taken: set[str] = set()
    named = []
    for n, image in enumerate(images, 1):
        # Names in a file may occur twice, but a project finds an image by its scene.
        name = image.scene or f"Image {n}"
        scene = name if name not in taken else f"{name} ({n})"
        taken.add(scene)
        named.append(replace(image, scene=scene))
    return named

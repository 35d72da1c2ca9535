"""Opening images of every kind that we read."""

from __future__ import annotations

from pathlib import Path

from cellpose_studio.core.errors import ImageUnreadable, StudioError
from cellpose_studio.core.image import ImageSource
from cellpose_studio.io.fingerprint import fingerprint
from cellpose_studio.io.pictures import open_picture
from cellpose_studio.io.stored import damaged, image_source
from cellpose_studio.io.tiff import open_tiff

_TIFF = (".tif", ".tiff", ".btf", ".tf8")
_PICTURES = (".png", ".jpg", ".jpeg")
_ZARR = (".zarr",)

IMAGE_SUFFIXES = (*_TIFF, *_PICTURES, *_ZARR)
"""Ends of the names of images, in lower case."""

FILE_DIALOG_FILTER = (
    "Images (" + " ".join(f"*{s}" for s in (*_TIFF, *_PICTURES)) + ");;All files (*)"
)
"""What a file dialog of Qt shows; an OME-Zarr is a folder."""


def is_image_path(path: Path) -> bool:
    """Tell by its name whether a path is an image that we may be able to open."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def open_images(path: Path, axes: str | None = None) -> list[ImageSource]:
    """Return the images of a file, one per scene; pixels are read when needed.

    Raises
    ------
    ImageUnreadable
        If it is none of ours, or damaged.
    AxesAmbiguous
        If the file does not say which axis is which, and ``axes`` neither.
    """
    suffix = path.suffix.lower()
    try:
        stored = open_tiff(path) if suffix in _TIFF else open_picture(path)
        mark = fingerprint(path)
        return [image_source(path, image, mark) for image in stored]
    except StudioError:
        raise
    except OSError as error:
        raise ImageUnreadable(
            f"{path.name} cannot be opened: {error.strerror or error}."
        ) from error
    # Damaged files make the decoders raise anything.
    except Exception as error:
        raise damaged(path) from error

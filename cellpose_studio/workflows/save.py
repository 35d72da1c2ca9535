"""Saves the result of a run in the formats of other programs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.io.masks.export import Saved, save_fitting, unfit
from cellpose_studio.io.masks.export_format import MasksToExport


def save_segmentation(
    result: Segmentation,
    kinds: Collection[str],
    folder: Path | None = None,
    base: Path | None = None,
) -> list[Path]:
    """Write ``kinds`` of files for ``result`` and return them.

    They are written to ``folder``, or next to the image, and named after it; each
    scene of a file has its own files. ``base`` says both, where they are to be others.

    Raises
    ------
    CannotSave
        If a file cannot be written, or a format cannot store the masks; the others are
        written.
    """
    saved = save_fitting_of(result, kinds, base or base_of(result.image, folder))
    if saved.reasons:
        raise unfit(saved.reasons)
    return saved.files


def save_fitting_of(result: Segmentation, kinds: Collection[str], base: Path) -> Saved:
    """Write the ``kinds`` of files that can be written for ``result`` to ``base``.

    Raises
    ------
    CannotSave
        If none of them can.
    """
    masks = MasksToExport.of(
        result.image, result.labels, result.flows, result.settings()
    )
    return save_fitting(base, masks, kinds)


def base_of(image: ImageSource, folder: Path | None = None) -> Path:
    """Return the common start of the paths of all files, as in Cellpose."""
    path, scene = image.path, image.scene
    # A scene may have a name that no file can have.
    part = "_" + "".join(c if c.isalnum() else "-" for c in scene) if scene else ""
    return (folder or path.parent) / (path.stem + part)


def make_folder(folder: Path) -> None:
    """Make the folder of results, if it is missing.

    Raises
    ------
    CannotSave
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotSave(
            f"The folder {folder} cannot be created: {error.strerror or error}."
        ) from error

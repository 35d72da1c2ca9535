"""Finds the images of a folder for training, and what each of them is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.review.training_marks import pack_mask
from cellpose_studio.io.masks.folders import is_prediction_path, scan_folder
from cellpose_studio.workflows.training.folder_manifest import read_manifest

_NAMES: dict[str, Role] = {
    "train": "train",
    "training": "train",
    "test": "validation",
    "testing": "validation",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
"""Roles by the names of folders, in small letters."""


@dataclass(frozen=True, kw_only=True)
class FolderImage:
    """An image of a folder with masks beside it.

    Attributes
    ----------
    unlabelled
        Pixels of which nothing is known, by `pack_mask`; "" if there are none.
    """

    image: Path
    role: Role
    unlabelled: str = ""


def images_of_folder(folder: Path) -> list[FolderImage]:
    """Return the images of a folder with true masks, and their roles.

    Those of an exported folder have the roles of its manifest. Else the name of the
    folder they are in says it: test, val or validation; others are for training.

    Raises
    ------
    TrainingSetUnfit
        If there are none.
    ImageUnreadable
        If the folder cannot be read.
    """
    manifest = read_manifest(folder)
    if manifest is not None:
        found = [
            FolderImage(
                image=folder / one.image,
                role=one.role,
                unlabelled=_ignored(folder / one.ignored) if one.ignored else "",
            )
            for one in manifest.images
            if (folder / one.image).exists()
        ]
    else:
        inner = [folder / name for name in _subfolders(folder)]
        found = [
            FolderImage(image=entry.image, role=_NAMES.get(place.name.lower(), "train"))
            for place in (*inner, folder)
            for entry in scan_folder(place)
            if any(not is_prediction_path(masks) for masks in entry.masks)
        ]
    if not found:
        raise TrainingSetUnfit(
            f"{folder.name} has no images with masks.",
            "Masks are named after their image, as a_masks.tif beside a.tif.",
        )
    return found


def _subfolders(folder: Path) -> list[str]:
    try:
        inside = sorted(one.name for one in folder.iterdir() if one.is_dir())
    except OSError as error:
        raise TrainingSetUnfit(f"The folder {folder.name} cannot be read.") from error
    return [name for name in inside if name.lower() in _NAMES]


def _ignored(path: Path) -> str:
    import cv2

    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise _unreadable(path) from error
    found = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    if found is None:
        raise _unreadable(path)
    mask: npt.NDArray[np.bool_] = np.asarray(found) > 0
    return pack_mask(mask)


def _unreadable(path: Path) -> TrainingSetUnfit:
    return TrainingSetUnfit(
        f"{path.name}, which says what is ignored of an image, cannot be read."
    )

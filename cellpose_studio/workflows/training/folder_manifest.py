"""The file that says what is in an exported folder of training images."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.training_set import Role

MANIFEST = "training_set.json"
ROLE_FOLDERS: dict[Role, str] = {"train": "train", "validation": "test"}
"""Folder of each role, as Cellpose's ``--dir`` and ``--test_dir``."""
IGNORED_FOLDER = "ignored"


def _inside(path: str) -> str:
    # Windows knows drives and backslashes, which are letters of a name elsewhere.
    for parts in (PurePosixPath(path), PureWindowsPath(path)):
        if parts.anchor or ".." in parts.parts or not parts.parts:
            raise ValueError("a path that leads out of the folder")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
InsideOrNone = Annotated[str, AfterValidator(lambda path: path and _inside(path))]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ExportedImage(_Row):
    """One image of the folder.

    Attributes
    ----------
    image, masks, ignored
        Files, with ``/``, relative to the folder; ``ignored`` is a picture that is
        white where nothing is known, and "" if everything is.
    image_sha256, masks_sha256
        Hashes of the files as they were written.
    source
        Image, masks, revision and crop in words.
    file
        Path of the image in the project.
    revision
        Id of the revision of the masks in the project; None with later edits.
    place
        Slice and rectangle, as pixels of the image.
    identity
        Hash of the pixels and masks in the project.
    cells, left_out
        Numbers of cells with masks, and of those without.
    ignored_share
        Part of the pixels, 0 to 1, that are ignored. Their masks are 0, and their
        grey values those of the background.
    """

    image: Inside
    masks: Inside
    ignored: InsideOrNone = ""
    image_sha256: str
    masks_sha256: str
    role: Role
    name: str
    source: str
    file: str
    revision: int | None
    place: str
    identity: str
    cells: int
    left_out: int
    ignored_share: float
    channels: tuple[str, ...]


class NotExported(_Row):
    """An image that is marked, and not in the folder."""

    name: str
    reason: str


class FolderManifest(_Row):
    """The content of `MANIFEST`."""

    format: str = "cellpose-studio training set"
    version: int = 1
    created: datetime
    program: str
    commands: tuple[str, ...]
    notes: tuple[str, ...] = ()
    images: tuple[ExportedImage, ...]
    not_exported: tuple[NotExported, ...] = ()


def read_manifest(folder: Path) -> FolderManifest | None:
    """Return what a folder says of itself; None if it says nothing.

    Raises
    ------
    TrainingSetUnfit
        If the file is damaged.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path) from error
    try:
        return FolderManifest.model_validate_json(text)
    except ValueError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> TrainingSetUnfit:
    return TrainingSetUnfit(
        f"{path.name} cannot be read as the list of a training set.",
        "Remove it to use the names of the folders instead.",
    )

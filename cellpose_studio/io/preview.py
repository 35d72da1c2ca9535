"""A small picture of a project, without opening the project."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from cellpose_studio.core.display.small_picture import Thumbnail, with_masks
from cellpose_studio.core.errors import ProjectUnusable
from cellpose_studio.io.cache.thumbnails import ThumbnailCache, from_png
from cellpose_studio.io.project.database import (
    ALONE,
    check_header,
    connect_to_project,
    readable_errors,
)
from cellpose_studio.io.project.reading import reading
from cellpose_studio.io.project.tables.images import read_image

_MOST_BYTES = 4 << 20
"""Longest PNG that is read: a damaged file can claim any length."""

_MASKS = """
SELECT image.id, revision.thumbnail FROM label_set
JOIN revision ON revision.id = label_set.head
JOIN image ON image.id = label_set.image
WHERE image.hidden = 0 AND length(revision.thumbnail) < ?
ORDER BY revision.id DESC LIMIT 1
"""
_FIRST_IMAGE = "SELECT id, NULL FROM image WHERE hidden = 0 ORDER BY id LIMIT 1"


def preview(path: Path, images: ThumbnailCache | None) -> Thumbnail:
    """Return a picture (Y, X, RGB) of the newest masks in a project, over their image.

    It is read without a lock, from the file alone: the project may be open elsewhere,
    and nothing beside it is made or changed. What is still in the log of an open
    project is not in the picture.

    Parameters
    ----------
    path
        The project.
    images
        Where thumbnails of images are. Masks of an image that is not there are on
        black: the image itself is not read.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
        If it is no project, has no picture, or cannot be read.
    """
    check_header(path)
    with readable_errors(path), closing(connect_to_project(path, ALONE)) as db:
        return _picture(db, path, images)


def _picture(
    db: sqlite3.Connection, path: Path, images: ThumbnailCache | None
) -> Thumbnail:
    with reading("its picture"):
        found = db.execute(_MASKS, (_MOST_BYTES,)).fetchone()
        number, content = found or db.execute(_FIRST_IMAGE).fetchone() or (None, None)
        masks = None if content is None else from_png(content)
    image = None
    if number is not None and images is not None:
        image = images.get(read_image(db, number).image)
    if masks is None and image is None:
        raise ProjectUnusable(
            f"{path.name} contains no picture.",
            "Open it and run a model on an image.",
        )
    if masks is None or image is None or masks.shape != image.shape:
        picture = image if masks is None else masks
        assert picture is not None
        return picture
    return with_masks(image, masks)

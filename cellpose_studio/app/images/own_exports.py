"""Recognises masks that were exported from the project that is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.labels import cell_count
from cellpose_studio.core.matching.compare import shared_pixels
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.io.project.tables.revisions import read_revisions

_MOST = 20
"""Newest revisions that masks are compared with; reading one takes up to a second."""


class OwnExports:
    """The images that have masks in the project, and the revisions of these masks.

    Made on the GUI thread; the methods are for any thread.
    """

    def __init__(self, project: Project, images: Iterable[ProjectImage]) -> None:
        self._project = project
        self._label_sets = {
            image.source.key: tuple(image.label_set_ids.values())
            for image in images
            if image.label_set_ids
        }

    def has_masks(self, key: str) -> bool:
        """Return whether the image of a key has, or had, masks in the project."""
        return key in self._label_sets

    def contains(self, key: str, labels: npt.NDArray[np.uint32]) -> bool:
        """Return whether masks of a file are those of a revision of an image.

        A file may number its cells anew, and may leave some out. Where the project
        cannot be read, the masks count as unknown ones.
        """
        count = cell_count(labels)
        try:
            return any(
                is_export_of(labels, self._project.labels(revision))
                for revision in self._revisions(key, labels.shape, count)
            )
        except StudioError:
            return False

    def _revisions(
        self, key: str, shape: Sequence[int], count: int
    ) -> list[LabelRevision]:
        """Return the newest revisions that could have been exported so."""
        found = [
            revision
            for label_set in self._label_sets[key]
            for revision in self._project.read(
                partial(read_revisions, label_set=label_set)
            )
            if revision.cells >= count and tuple(revision.shape) == tuple(shape)
        ]
        return sorted(found, key=lambda revision: revision.id)[: -_MOST - 1 : -1]


def is_export_of(
    exported: npt.NDArray[np.uint32], labels: npt.NDArray[np.uint32]
) -> bool:
    """Return whether each exported cell has exactly the pixels of one cell of others.

    Parameters
    ----------
    exported, labels
        Label images of one shape.
    """
    files, ids, sizes = shared_pixels(exported, labels)
    known, each = np.unique(ids, return_inverse=True)
    known_sizes = np.bincount(each, sizes, len(known))
    there = files > 0
    # A cell of the file that lies on two cells, or reaches beyond one, is another cell.
    if not ids[there].all() or len(np.unique(files[there])) != there.sum():
        return False
    return bool(np.array_equal(sizes[there], known_sizes[each[there]]))

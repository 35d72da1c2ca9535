"""Images that a program wrote into one file page by page, without saying why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cellpose_studio.core.errors import AxesAmbiguous
from cellpose_studio.io.images.axes import question_of, resolve_axes
from cellpose_studio.io.images.stored_image import Array, Stored, StoredPixels


def resolved_pages(
    path: Path, images: Sequence[Stored], answer: str | None
) -> list[Stored]:
    """Return the images of a file with all their axes known, or one stack of them.

    Images of one size, without names, may be the planes of a stack or images of their
    own: ``answer`` says which, by an axis more than a page has, or none.

    Raises
    ------
    AxesAmbiguous, ImageUnreadable
        As `resolve_axes` does.
    """
    if not _are_alike(images):
        return [resolve_axes(path, image, answer) for image in images]
    stack = _stack(images)
    apart = images[0].axes
    if answer is None:
        question = question_of(path, stack)
        # This choice must remain the last one: `referenced` takes it for projects that
        # are older than the question.
        own = (apart, f"{len(images)} images of their own")
        choices = (*question.choices, own)
        raise AxesAmbiguous(replace(question, choices=choices))
    if answer.strip().upper() == apart:
        return list(images)
    return [resolve_axes(path, stack, answer)]


def _are_alike(images: Sequence[Stored]) -> bool:
    first = images[0]
    same = {(one.axes, one.shape, one.dtype, one.samples) for one in images}
    # In OME-TIFF and OME-Zarr each image is said to be one.
    unsaid = all(one.page and not one.scene for one in images)
    return len(images) > 1 and len(same) == 1 and unsaid and first.axes[:2] == "YX"


def _stack(images: Sequence[Stored]) -> Stored:
    """Return one image whose first axis, which is open, runs over ``images``."""
    first = images[0]
    return replace(
        first,
        axes="?" + first.axes,
        shape=(len(images), *first.shape),
        pixels=_Stacked(tuple(image.pixels for image in images)),
    )


@dataclass(frozen=True)
class _Stacked:
    """Arrays of one shape, along a new first axis."""

    parts: tuple[StoredPixels, ...]

    def read(self, index: tuple[slice, ...]) -> Array:
        return np.stack([part.read(index[1:]) for part in self.parts[index[0]]])

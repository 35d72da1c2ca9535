"""The planes of an image that are trained on, and the reading of their pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import as_float32
from cellpose_studio.core.masks.labels import compact_labels
from cellpose_studio.core.models.training import TrainingImage
from cellpose_studio.core.review.training_ignore import Annotated, Labels, annotated
from cellpose_studio.core.review.training_marks import TrainingMarks, unpack_mask
from cellpose_studio.core.review.training_slices import Slice, with_square_pixels
from cellpose_studio.core.runs.region import Region

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A slice of an image, or a crop of one.

    Attributes
    ----------
    crop
        A rectangle in a slice with the axes YX; None for all of it.
    """

    slice: Slice
    crop: Region | None = None

    def cut(self, stacked: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return its pixels of an array with the axes TZYX, as (rows, columns)."""
        plane = stacked[self.slice.region]
        first, second = (plane.shape["TZYX".index(axis)] for axis in self.slice.axes)
        plane = plane.reshape(first, second)
        if self.crop is None:
            return plane
        return plane[self.crop.rows_and_columns(plane.shape)]


@dataclass(frozen=True, eq=False, kw_only=True)
class Annotation:
    """Masks of an image, with everything that makes pixels of them ignored.

    Attributes
    ----------
    left_out
        Ids of cells that are not trained on.
    border
        Whether cells at the edge of a plane are not trained on either.
    """

    labels: Labels
    marks: TrainingMarks
    left_out: frozenset[int]
    border: bool
    unlabelled: Mask | None = field(init=False)

    def __post_init__(self) -> None:
        text, shape = self.marks.unlabelled, self.labels.shape
        found = unpack_mask(text, shape) if text else None
        object.__setattr__(self, "unlabelled", found)

    def of(self, plane: Plane, image: ImageSource) -> Annotated:
        """Return the cells of a plane that are trained on, and what is ignored.

        Raises
        ------
        ValueError
            If what is not annotated belongs to masks of another shape.
        """
        unknown = self._unannotated(plane, image)
        found = annotated(
            np.asarray(plane.cut(_stacked(self.labels, image)), np.uint32),
            left_out=self.left_out,
            border=self.border,
            partly=self.marks.partly,
            unannotated=unknown,
        )
        axes, factor = plane.slice.axes, image.anisotropy or 1.0
        if axes == "YX" or factor == 1:
            return found
        labels = with_square_pixels(found.labels, axes, factor, labels=True)
        ignore = found.ignore
        if ignore is not None:
            ignore = with_square_pixels(ignore, axes, factor, labels=True).astype(bool)
        # A cell of a single row may be lost where there are fewer rows than before.
        kept, _ = compact_labels(np.asarray(labels, np.uint32))
        return replace(found, labels=kept, ignore=ignore)

    def _unannotated(self, plane: Plane, image: ImageSource) -> Mask | None:
        found: Mask | None = None
        if self.unlabelled is not None:
            cut = plane.cut(_stacked(self.unlabelled, image))
            found = cut.astype(bool) if cut.any() else None
        there = [one for one in self.marks.unannotated if _meets(one, plane.slice)]
        if there:
            drawn = np.zeros(
                [
                    dict(zip("ZYX", image.shape[2:], strict=True))[axis]
                    for axis in plane.slice.axes
                ],
                bool,
            )
            for region in there:
                _fill(drawn, region, plane.slice, image.shape[-2:])
            if plane.crop is not None:
                drawn = drawn[plane.crop.rows_and_columns(drawn.shape)]
            found = drawn if found is None else found | drawn
        return found


def _stacked(
    labels: npt.NDArray[np.generic], image: ImageSource
) -> npt.NDArray[np.generic]:
    return labels.reshape(image.frames, image.planes, *labels.shape[-2:])


def _meets(region: Region, one: Slice) -> bool:
    """Return whether a region may have pixels in a slice."""
    if region.frame is not None and region.frame - 1 != one.frame:
        return False
    return one.axes != "YX" or region.plane is None or region.plane - 1 == one.at


def _fill(mask: Mask, region: Region, one: Slice, shape: tuple[int, int]) -> None:
    """Set the pixels of a region in a slice; ``shape`` is that of a plane YX."""
    rows, columns = region.rows_and_columns(shape)
    inside = region.mask(shape)
    if one.axes == "YX":
        mask[rows, columns] |= inside
        return
    planes = slice(None) if region.plane is None else region.plane - 1
    along, across = (rows, columns) if one.axes == "ZY" else (columns, rows)
    if across.start <= one.at < across.stop:
        at = one.at - across.start
        mask[planes, along] |= inside[:, at] if one.axes == "ZY" else inside[at]


def read_pair(
    image: ImageSource, annotation: Annotation, plane: Plane, name: str
) -> TrainingImage:
    """Read the pixels of a plane of an image, with its masks.

    Pixels that are no number in any channel are ignored.

    Raises
    ------
    ImageUnreadable
    """
    masks = annotation.of(plane, image)
    part = plane.slice.region
    rows = columns = slice(0, None)
    if plane.crop is not None:
        rows, columns = plane.crop.rows_and_columns(image.shape[-2:])
        part = (*part[:2], rows, columns)
    frame, z, y, x = (
        slice(*one.indices(size))
        for one, size in zip(part, (image.shape[0], *image.shape[2:]), strict=True)
    )
    found = image.reader.read((frame, slice(0, image.channels), z, y, x))
    axes = plane.slice.axes
    shape = [found.shape["TCZYX".index(axis)] for axis in axes]
    channels = [
        with_square_pixels(
            as_float32(channel)[0], axes, image.anisotropy or 1.0, labels=False
        )
        for channel in found[0].reshape(image.channels, *shape)
    ]
    pixels = np.stack(channels).astype(np.float32, copy=False)
    ignore: Mask | None = masks.ignore
    holes: Mask = np.logical_not(np.isfinite(pixels).all(axis=0))
    if holes.any():
        ignore = holes if ignore is None else ignore | holes
    return TrainingImage(name, pixels, masks.labels, ignore=ignore)


def identity_of(image: ImageSource, plane: Plane, masks: Annotated) -> str:
    """Return a hash of the pixels and masks of a plane, without reading the pixels."""
    digest = hashlib.sha256()
    crop = plane.crop.model_dump_json() if plane.crop is not None else ""
    parts = image.fingerprint, image.scene, image.anisotropy, plane.slice, crop
    digest.update(repr(parts).encode())
    digest.update(repr(masks.labels.shape).encode())
    digest.update(masks.labels.astype("<u4").tobytes())
    if masks.ignore is not None:
        digest.update(np.packbits(masks.ignore).tobytes())
    return digest.hexdigest()

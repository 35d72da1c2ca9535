"""Open whatever the user points at: images, masks, folders of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellpose_studio.core.axes import AxesQuestion
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import (
    AxesAmbiguous,
    ImageUnreadable,
    MasksUnreadable,
    StudioError,
)
from cellpose_studio.core.image import ImageSource
from cellpose_studio.io.folders import image_beside, is_masks_path, masks_beside, scan
from cellpose_studio.io.images import is_image_path, open_images
from cellpose_studio.io.imported import ImportedMasks
from cellpose_studio.io.masks import read_masks


@dataclass
class Opened:
    """What came of opening some paths.

    Attributes
    ----------
    images
        Each image with the masks that lay beside it, by the name of the label set.
    questions
        Files whose axes the user has to say; then they can be opened again.
    failures
        What could not be opened, and why.
    """

    images: list[tuple[ImageSource, dict[str, ImportedMasks]]] = field(
        default_factory=list
    )
    questions: list[AxesQuestion] = field(default_factory=list)
    failures: list[StudioError] = field(default_factory=list)


def open_paths(
    paths: Sequence[Path], checkpoint: Checkpoint, axes: str | None = None
) -> Opened:
    """Open images, folders, and masks together with the image that they belong to.

    A file that fails does not keep the others from being opened.

    Raises
    ------
    Cancelled
        After a stop.
    """
    opened = Opened()
    files = list(dict.fromkeys(_images_of(paths, opened)))
    for n, file in enumerate(files):
        checkpoint.reached(n, len(files), "opening")
        try:
            images = open_images(file, axes)
        except AxesAmbiguous as ambiguous:
            opened.questions.append(ambiguous.question)
        except StudioError as error:
            opened.failures.append(error)
        else:
            opened.images += [(image, {}) for image in images]
            _add_masks(opened, images, masks_beside(file))
    return opened


def masks_for(image: ImageSource, path: Path) -> ImportedMasks:
    """Read masks for ``image``.

    Raises
    ------
    MasksUnreadable
        Also if they are of another size than the image.
    """
    masks = read_masks(path)
    if masks.labels.shape != image.label_shape:
        raise MasksUnreadable(
            f"{path.name} has the shape {masks.labels.shape}, but {image.name} needs "
            f"{image.label_shape}.",
            "Check that they belong together, and the axes of the image.",
        )
    return masks


def _images_of(paths: Sequence[Path], opened: Opened) -> Iterator[Path]:
    """Yield the image files that ``paths`` stand for."""
    for path in paths:
        if is_masks_path(path) and (image := image_beside(path)):
            yield image
        elif path.is_dir() and not is_image_path(path):
            entries = scan(path)
            if not entries:
                opened.failures.append(
                    ImageUnreadable(
                        f"There are no images in {path.name}.",
                        "Images are TIFF, PNG, JPEG and OME-Zarr files.",
                    )
                )
            yield from (entry.image for entry in entries)
        else:
            yield path


def _add_masks(
    opened: Opened, images: list[ImageSource], files: Sequence[Path]
) -> None:
    """Read masks for a file of one scene; those of several do not say which."""
    if len(images) != 1:
        return
    for file in files:
        try:
            masks = masks_for(images[0], file)
        except StudioError as error:
            opened.failures.append(error)
        else:
            opened.images[-1][1][label_set_name(file, images[0])] = masks


def label_set_name(masks: Path, image: ImageSource) -> str:
    """Return the name of the label set of a file: ``a_cp_masks.tif`` is cp_masks."""
    name = masks.stem.removeprefix(image.path.stem).strip("_")
    return name or masks.stem

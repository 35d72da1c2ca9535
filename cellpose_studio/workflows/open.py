"""Opens the paths that a user chooses: images, masks, folders of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import (
    AxesAmbiguous,
    ImageUnreadable,
    MasksUnreadable,
    StudioError,
)
from cellpose_studio.core.images.axes import AxesQuestion
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.images.reader import is_image_path, open_images
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.exchange.region_files import (
    has_overlay,
    is_regions_path,
    read_overlay,
)
from cellpose_studio.io.masks.exchange.tracks.challenge_reader import (
    is_tracks_path,
    tracks_folder,
)
from cellpose_studio.io.masks.export_formats import CELLPROFILER
from cellpose_studio.io.masks.folders import (
    ImageFiles,
    bare_stem,
    begins_like,
    belong_together,
    image_of_masks,
    image_of_regions,
    image_stem,
    is_masks_path,
    masks_of_image,
    scan_folder,
)
from cellpose_studio.io.masks.imported import ImportedMasks
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.paths import is_folder
from cellpose_studio.workflows.left_out import left_out_of


@dataclass
class Opened:
    """Result of opening paths.

    Attributes
    ----------
    images
        Each image with the masks next to its file, by the name of the label set.
    questions
        Files whose axes the user has to choose before they can be opened.
    failures
        What could not be opened, and why.
    notes
        What the user has to know about what was opened, one sentence each.
    """

    images: list[tuple[ImageSource, dict[str, ImportedMasks]]] = field(
        default_factory=list
    )
    questions: list[AxesQuestion] = field(default_factory=list)
    failures: list[StudioError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def files_of(paths: Sequence[Path]) -> tuple[list[ImageFiles], list[StudioError]]:
    """Return the images that paths refer to, each once, and errors for the others."""
    found: dict[Path, ImageFiles] = {}
    failures: list[StudioError] = []
    for path in paths:
        try:
            # A user may choose an image together with its masks, which are one entry.
            found |= {entry.image: entry for entry in images_of(path)}
        except ImageUnreadable as error:
            failures.append(error)
    return list(found.values()), failures


def open_files(
    files: Sequence[ImageFiles],
    checkpoint: Checkpoint,
    axes: str | None = None,
    done: int = 0,
    total: int = 0,
) -> Opened:
    """Open image files with their masks.

    A file that fails does not prevent the others from being opened.

    Parameters
    ----------
    done, total
        For the progress, if ``files`` are a part of ``total``.

    Raises
    ------
    Cancelled
        After a stop.
    """
    opened = Opened()
    for n, entry in enumerate(files):
        checkpoint.reached(done + n, total or len(files), "opening")
        try:
            images = open_images(entry.image, axes)
        except AxesAmbiguous as ambiguous:
            opened.questions.append(ambiguous.question)
        except StudioError as error:
            opened.failures.append(error)
        else:
            opened.images += [(image, {}) for image in images]
            opened.notes += [note for image in images for note in image.notes]
            overlay = [entry.image] if has_overlay(entry.image) else []
            _add_masks(opened, images, [*overlay, *entry.masks])
    return opened


def images_of(path: Path) -> list[ImageFiles]:
    """Return the images that a path refers to, each with its masks.

    A folder refers to the images in it, masks to the image next to them.

    Raises
    ------
    ImageUnreadable
        If it is a folder that cannot be read, or contains no images; if there is no
        image beside a file of regions.
    """
    # An OME-Zarr is a folder, too, but a single image.
    if is_tracks_path(path):
        return [_image_with_tracks(path)]
    if is_folder(path) and not is_image_path(path):
        return _images_in(path)
    image = image_of_masks(path) if _is_label_image(path) else None
    if image is None and is_regions_path(path):
        return [_image_with_regions(path)]
    masks = masks_of_image(image or path)
    # Beside their image, those for other programs are opened only if they are chosen.
    chosen = [path] if image is not None and not is_masks_path(path) else []
    return [ImageFiles(image or path, tuple(dict.fromkeys((*masks, *chosen))))]


def open_image_of(
    path: Path, images: Sequence[ImageSource]
) -> tuple[ImageSource, Path] | None:
    """Return which of the open images masks are of that lie in another folder.

    Returns
    -------
    The image and the path of the masks. None for all that is no masks, for masks with
    an image of that name beside them, and where no open image has that name, or several
    have.
    """
    if is_tracks_path(path):
        path = tracks_folder(path)
        has_image = image_of_regions(path) is not None
    elif _is_label_image(path):
        has_image = image_of_masks(path) is not None
    elif is_regions_path(path):
        has_image = image_of_regions(path) is not None
    else:
        return None
    if has_image:
        return None
    begun = {
        image.path.stem: bare_stem(image.path.stem)
        for image in images
        if begins_like(path.name, bare_stem(image.path.stem))
    }
    longest = max(map(len, begun.values()), default=0)
    # Masks have the name of their image and an ending; regions begin like it.
    named = [
        image
        for image in images
        if len(begun.get(image.path.stem, "")) == longest > 0
        and (not _is_label_image(path) or _is_named_after(path, image.path.stem))
    ]
    return (named[0], path) if len(named) == 1 else None


def _is_label_image(path: Path) -> bool:
    """Return whether the name is that of masks, also of those for CellProfiler."""
    return is_masks_path(path) or path.name.endswith(CELLPROFILER.ending)


def _is_named_after(masks: Path, stem: str) -> bool:
    """Return whether masks are of an image of that stem, also those in OME-TIFF."""
    return belong_together(masks, stem) or image_stem(masks) == f"{stem}.ome"


def _image_with_regions(path: Path) -> ImageFiles:
    """Return the image beside a file of regions, with these and its other masks."""
    image = image_of_regions(path)
    if image is None:
        raise ImageUnreadable(
            f"{path.name} holds regions, but there is no image beside it whose name it "
            "begins with.",
            f"Rename it after its image, such as a{path.suffix} for a.tif.",
        )
    return ImageFiles(image, tuple(dict.fromkeys((*masks_of_image(image), path))))


def _image_with_tracks(path: Path) -> ImageFiles:
    """Return the image beside a folder of tracks, with these and its other masks."""
    folder = tracks_folder(path)
    image = image_of_regions(folder)
    if image is None:
        raise ImageUnreadable(
            f"{folder.name} holds tracks, but there is no image beside it whose name "
            "it begins with.",
            "Save the film as one image, such as a.tif for a_RES, next to the folder.",
        )
    return ImageFiles(image, tuple(dict.fromkeys((*masks_of_image(image), folder))))


def masks_for(image: ImageSource, path: Path) -> ImportedMasks:
    """Read masks for ``image``.

    Raises
    ------
    MasksUnreadable
        Also if their size differs from that of the image.
    """
    extent = ImageExtent.of(image)
    inside = path == image.path and has_overlay(path)
    masks = read_overlay(path, extent) if inside else read_masks(path, extent)
    if masks.labels.shape != image.label_shape:
        raise MasksUnreadable(
            f"{path.name} has the shape {masks.labels.shape}, but {image.name} needs "
            f"{image.label_shape}.",
            "Check that they belong together, and check the axes of the image.",
        )
    return masks


def _images_in(folder: Path) -> list[ImageFiles]:
    entries = scan_folder(folder)
    if not entries:
        left = left_out_of(folder, ()).text
        raise ImageUnreadable(
            f"There are no images in {folder.name}.",
            "Images are TIFF, PNG, JPEG, OME-Zarr and microscope files."
            + (f" {left}" if left else ""),
        )
    return entries


def _add_masks(
    opened: Opened, images: list[ImageSource], files: Sequence[Path]
) -> None:
    """Read masks for a file with one scene; with several, the scene is ambiguous."""
    if len(images) != 1:
        if files:
            opened.notes.append(
                f"{files[0].name} was left out: {images[0].path.name} holds "
                f"{len(images)} images, and it is not known whose masks these are."
            )
        return
    for file in files:
        try:
            masks = masks_for(images[0], file)
        except StudioError as error:
            opened.failures.append(error)
        else:
            opened.images[-1][1][label_set_name(file, images[0])] = masks
            opened.notes += masks.notes


def label_set_name(masks: Path, image: ImageSource) -> str:
    """Return the name of the label set of a file: ``a_cp_masks.tif`` is cp_masks."""
    if masks == image.path:
        return "overlay"
    stem = bare_stem(masks.stem)
    whole = stem.startswith(image.path.stem)
    named_after = image.path.stem if whole else bare_stem(image.path.stem)
    return stem.removeprefix(named_after).strip("_") or stem

"""Images to measure from files: masks lie beside their image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice
from cellpose_studio.core.wording import listed
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.folders import (
    ImageFiles,
    masks_named,
    more_masks,
    more_names,
)
from cellpose_studio.io.masks.imported import FOREGROUND_HINT
from cellpose_studio.io.masks.other_masks import note_on_others
from cellpose_studio.workflows.measure.items import ImageToMeasure, Masks, only_nuclei
from cellpose_studio.workflows.open import label_set_name, masks_for


def items_of_file(
    entry: ImageFiles,
    axes: str | None = None,
    masks: str | None = None,
    compartments: CompartmentChoice | None = None,
) -> list[ImageToMeasure]:
    """Return the image of a file with its masks.

    Parameters
    ----------
    axes
        Of files that do not say which they have.
    masks
        Name of the label set, such as "cp_masks"; None for the first of `ImageFiles`,
        or else of the masks that were exported for other programs. "cells" may also be
        what stands between the name of the image and the ending:
        ``a_cells_masks.tif``.
    compartments
        With the name of the masks of the nuclei.

    Raises
    ------
    ImageUnreadable, AxesAmbiguous, MasksUnreadable
        Also if there are no such masks, or it is not known which image of the file
        they belong to.
    """
    images = open_images(entry.image, axes)
    files = [*dict.fromkeys((*entry.masks, *more_masks(entry.image)))]
    nuclei = None
    if compartments is not None:
        nuclei = _masks_of(entry.image, files, images[0], compartments.nuclei)
    path = _masks_of(entry.image, files, images[0], masks, besides=nuclei)
    # Who names the masks knows that there are others.
    others = [one for one in files if masks is None and one not in (path, nuclei)]
    if len(images) > 1:
        raise MasksUnreadable(
            f"{entry.image.name} holds {len(images)} images, and it is not known whose "
            f"masks {path.name} are.",
            "Open the file, import the masks, and measure the project.",
        )
    return [
        ImageToMeasure(
            image=images[0],
            masks=label_set_name(path, images[0]),
            has_facts=False,
            read=lambda: _read(images[0], path, nuclei, others),
            compartments=compartments,
        )
    ]


def _masks_of(
    file: Path,
    files: Sequence[Path],
    image: ImageSource,
    name: str | None,
    besides: Path | None = None,
) -> Path:
    """Return masks by their name; without one, the first that are not others."""
    by_name: dict[str, Path] = {}
    for path in files:
        by_name.setdefault(label_set_name(path, image), path)
    if name is not None:
        named = by_name.get(name) or masks_named(file, name)
        if named is not None:
            return named
    if not by_name:
        raise MasksUnreadable(
            f"There are no masks beside {image.path.name}.",
            "They are named after it, with _masks, _cp_masks, _seg, or as they are "
            "exported: _rois.zip, _cells.geojson, _coco.json.",
        )
    if name is not None:
        raise MasksUnreadable(
            f"{image.path.name} has no masks called “{name}”.",
            f"It has {listed([f'“{one}”' for one in (*by_name, *more_names(file))])}.",
        )
    if others := [path for path in files if path != besides]:
        return others[0]
    raise only_nuclei(image.path.name)


def _read(
    image: ImageSource, path: Path, nuclei: Path | None, others: Sequence[Path]
) -> Masks:
    found = masks_for(image, path)
    second = masks_for(image, nuclei) if nuclei is not None else None
    for one in filter(None, (found, second)):
        if one.foreground_only:
            raise MasksUnreadable(one.foreground_reason, FOREGROUND_HINT)
    note = note_on_others(
        path, found.labels, others, lambda file: masks_for(image, file).labels
    )
    notes = (*found.notes, *(second.notes if second else ()), *filter(None, [note]))
    return Masks(
        labels=found.labels,
        notes=notes,
        mothers=found.mothers,
        nuclei=second.labels if second else None,
    )

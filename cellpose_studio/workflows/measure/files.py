"""Images to measure from files: masks lie beside their image."""

from __future__ import annotations

from pathlib import Path

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.folders import ImageFiles, masks_named
from cellpose_studio.io.masks.imported import FOREGROUND_HINT
from cellpose_studio.workflows.measure.items import ImageToMeasure, Masks
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
        Name of the label set, such as "cp_masks"; None for true masks, or else a
        ``_seg.npy``, or else what Cellpose found. "cells" may also be what stands
        between the name of the image and the ending: ``a_cells_masks.tif``.
    compartments
        With the name of the masks of the nuclei.

    Raises
    ------
    ImageUnreadable, AxesAmbiguous, MasksUnreadable
        Also if there are no such masks, or it is not known which image of the file
        they belong to.
    """
    images = open_images(entry.image, axes)
    nuclei = None
    if compartments is not None:
        nuclei = _masks_of(entry, images[0], compartments.nuclei)
    path = _masks_of(entry, images[0], masks, besides=nuclei)
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
            read=lambda: _read(images[0], path, nuclei),
            compartments=compartments,
        )
    ]


def _masks_of(
    entry: ImageFiles, image: ImageSource, name: str | None, besides: Path | None = None
) -> Path:
    """Return masks by their name; without one, the first that are not others."""
    by_name = {label_set_name(path, image): path for path in entry.masks}
    if name is not None:
        named = by_name.get(name) or masks_named(entry.image, name)
        if named is not None:
            return named
    if not by_name:
        raise MasksUnreadable(
            f"There are no masks beside {entry.image.name}.",
            "They are named after it, with _masks, _cp_masks or _seg.",
        )
    if name is not None:
        raise MasksUnreadable(
            f"{entry.image.name} has no masks called {name}.",
            f"It has {', '.join(by_name)}.",
        )
    if others := [path for path in entry.masks if path != besides]:
        return others[0]
    raise MasksUnreadable(
        f"{entry.image.name} has no masks but those of the nuclei.",
        "Its cells need masks of their own.",
    )


def _read(image: ImageSource, path: Path, nuclei: Path | None) -> Masks:
    found = masks_for(image, path)
    others = masks_for(image, nuclei) if nuclei is not None else None
    for one in filter(None, (found, others)):
        if one.foreground_only:
            raise MasksUnreadable(one.foreground_reason, FOREGROUND_HINT)
    return Masks(
        labels=found.labels,
        notes=found.notes + (others.notes if others else ()),
        mothers=found.mothers,
        nuclei=others.labels if others else None,
    )

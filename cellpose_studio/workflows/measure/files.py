"""Images to measure from files: masks lie beside their image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.folders import ImageFiles, more_masks
from cellpose_studio.io.masks.imported import FOREGROUND_HINT
from cellpose_studio.io.masks.other_masks import note_on_others
from cellpose_studio.workflows.measure.items import ImageToMeasure, Masks
from cellpose_studio.workflows.open import label_set_name, masks_for


def items_of_file(
    entry: ImageFiles, axes: str | None = None, masks: str | None = None
) -> list[ImageToMeasure]:
    """Return the image of a file with its masks.

    Parameters
    ----------
    axes
        Of files that do not say which they have.
    masks
        Name of the label set, such as "cp_masks"; None for the first of `ImageFiles`,
        or else of the masks that were exported for other programs.

    Raises
    ------
    ImageUnreadable, AxesAmbiguous, MasksUnreadable
        Also if there are no such masks, or it is not known which image of the file
        they belong to.
    """
    images = open_images(entry.image, axes)
    files = [*dict.fromkeys((*entry.masks, *more_masks(entry.image)))]
    path = _masks_of(files, images[0], masks)
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
            # Who names the masks knows that there are others.
            read=lambda: _read(images[0], path, files if masks is None else ()),
        )
    ]


def _masks_of(files: Sequence[Path], image: ImageSource, name: str | None) -> Path:
    by_name: dict[str, Path] = {}
    for path in files:
        by_name.setdefault(label_set_name(path, image), path)
    if not by_name:
        raise MasksUnreadable(
            f"There are no masks beside {image.path.name}.",
            "They are named after it, with _masks, _cp_masks, _seg, or as they are "
            "exported: _rois.zip, _cells.geojson, _coco.json.",
        )
    if name is None:
        return files[0]
    if name not in by_name:
        raise MasksUnreadable(
            f"{image.path.name} has no masks called {name}.",
            f"It has {', '.join(by_name)}.",
        )
    return by_name[name]


def _read(image: ImageSource, path: Path, files: Sequence[Path]) -> Masks:
    found = masks_for(image, path)
    if found.foreground_only:
        raise MasksUnreadable(found.foreground_reason, FOREGROUND_HINT)
    others = note_on_others(
        path,
        found.labels,
        [file for file in files if file != path],
        lambda file: masks_for(image, file).labels,
    )
    return Masks(labels=found.labels, notes=(*found.notes, *filter(None, [others])))

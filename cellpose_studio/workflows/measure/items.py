"""Images to measure: what is known of them before their pixels are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice
from cellpose_studio.core.measure.experiment.values import Row
from cellpose_studio.core.measure.inputs import CellClasses, CellFacts, Pixels


@dataclass(frozen=True, eq=False, kw_only=True)
class Masks:
    """The masks of an image.

    Attributes
    ----------
    labels
        In the shape of the image's label images.
    facts
        What is known of the cells; None where nothing is.
    notes
        What the user has to know, one sentence each.
    mothers
        The mother of each cell that came from a division.
    nuclei
        The masks of the nuclei, where compartments are measured.
    """

    labels: Pixels
    facts: CellFacts | None = None
    notes: tuple[str, ...] = ()
    mothers: Mapping[int, int] = field(default_factory=dict)
    nuclei: Pixels | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageToMeasure:
    """An image with masks.

    Attributes
    ----------
    image
        The image.
    masks
        Name of its label set.
    has_facts
        Whether anything is known of the cells beside their pixels.
    read
        Reads the masks; may raise `StudioError`.
    experiment
        Its columns of the experiment, as far as they are known.
    compartments
        What is measured of nuclei and cells together; None for cells only.
    classes
        The classes of the project; None without.
    """

    image: ImageSource
    masks: str
    has_facts: bool
    read: Callable[[], Masks]
    experiment: Row = field(default_factory=dict)
    compartments: CompartmentChoice | None = None
    classes: CellClasses | None = None


def only_nuclei(name: str) -> MasksUnreadable:
    """Return the error of an image, of that name, whose cells have no masks."""
    return MasksUnreadable(
        f"{name} has no masks but those of the nuclei.",
        "Its cells need masks of their own.",
    )


def names_of(items: Sequence[ImageToMeasure]) -> list[str]:
    """Return a name for each image, as `source_names` does."""
    return source_names([item.image for item in items])


def source_names(images: Sequence[ImageSource]) -> list[str]:
    """Return a name for each image: that of the file, or the path where two share one.

    Paths begin below the folder that all images lie in.
    """
    names = [image.name for image in images]
    if len(set(names)) == len(names):
        return names
    folders = {str(image.path.parent) for image in images}
    try:
        common = Path(os.path.commonpath(folders))
    # On Windows, there is none for files on several drives.
    except ValueError:
        return [image.path.with_name(image.name).as_posix() for image in images]
    return [
        (image.path.parent.relative_to(common) / image.name).as_posix()
        for image in images
    ]

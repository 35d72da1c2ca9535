"""Opens projects in napari: images and the masks as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from cellpose_studio.core.display.channel_display import (
    ChannelDisplay,
    stored_displays,
)
from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.io.project.database import SUFFIX
from cellpose_studio.io.project.file import ProjectFile, read_project
from cellpose_studio.io.project.tables.images import StoredImage, read_image_table
from cellpose_studio.io.project.tables.revision_source import read_masks
from cellpose_studio.io.project.tables.revisions import (
    StoredLabelSet,
    read_label_sets,
)
from cellpose_studio.io.project.tables.window_state import (
    DISPLAYS,
    WINDOW,
    read_state,
)
from cellpose_studio.plugin.layers import (
    LayerData,
    layers_of,
    placement,
)
from cellpose_studio.workflows.provenance.replay import reopened

Reader = Callable[[str | list[str]], list[LayerData]]


def get_reader(path: str | list[str]) -> Reader | None:
    """Return what reads ``path``; None if it names anything but projects."""
    names = [path] if isinstance(path, str) else path
    return read_projects if all(name.endswith(SUFFIX) for name in names) else None


def read_projects(path: str | list[str]) -> list[LayerData]:
    """Return the images of projects, and their masks, as layers.

    Channels have the colours and the contrast of the project. Only layers of the first
    image are visible. Projects are read without a lock, and
    stay as they are.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    names = [path] if isinstance(path, str) else path
    layers: list[LayerData] = []
    for name in names:
        with closing(read_project(Path(name))) as file:
            for group in _images(file):
                shown = not layers
                layers += [
                    (data, {**about, "visible": shown and about["visible"]}, kind)
                    for data, about, kind in group
                ]
    return layers


def _images(file: ProjectFile) -> Iterator[list[LayerData]]:
    """Yield the layers of each image, masks last."""
    displays = stored_displays(read_state(file.db, WINDOW).get(DISPLAYS))
    masks: dict[int, list[StoredLabelSet]] = {}
    for labels in read_label_sets(file.db):
        masks.setdefault(labels.image, []).append(labels)
    for stored in read_image_table(file.db, file.path.parent):
        if not stored.hidden:
            shown = displays.get(stored.id, [])
            yield _layers(file, stored, masks.get(stored.id, []), shown)


def _layers(
    file: ProjectFile,
    stored: StoredImage,
    masks: list[StoredLabelSet],
    displays: list[ChannelDisplay],
) -> list[LayerData]:
    image = stored.image
    layers = []
    try:
        image = reopened(stored)
        layers = layers_of(image, displays)
    except (AxesAmbiguous, ImageUnreadable) as error:
        # The masks are shown without it.
        _warn(str(error))
    for labels in masks:
        if labels.head is None:
            continue
        pixels = read_masks(file.db, labels.head)
        about = {
            **placement(image),
            "name": f"{image.name} {labels.name}",
            "visible": True,
        }
        layers.append((pixels, about, "labels"))
    return layers


def _warn(text: str) -> None:
    from napari.utils.notifications import show_warning

    show_warning(text)

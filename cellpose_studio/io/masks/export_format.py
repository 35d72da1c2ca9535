"""What an export format is, and what its writer gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.masks.chunks import copied
from cellpose_studio.core.masks.labels import Labels, compact_labels
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.masks.mapped import empty_array, empty_labels

LARGEST_UINT16 = 65535

_OF_SYSTEMS = r"(.*/)?(\.DS_Store|\._[^/]*|Thumbs\.db|desktop\.ini)"
"""What systems leave in folders that somebody has looked at."""

Masks: TypeAlias = npt.NDArray[Any]  # 1..N, uint16 or uint32


# A generated comparison would compare arrays, which have no single truth value.
@dataclass(frozen=True, kw_only=True, eq=False)
class MasksToExport:
    """The masks of one image, as writers get them.

    Attributes
    ----------
    labels
        With the ids of the project; the ``label_shape`` of ``image``.
    numbered
        The same cells numbered 1..N, uint16 where that is enough, else uint32.
    ids
        (N + 1,) id of each number; 0 is the background.
    flows
        Of the run that the masks come from; None without one.
    settings
        Parameters of that run, as Cellpose calls them.
    parents
        The mother of each cell that came from a division, by the daughter's id.
    classes
        Name and colour, "#rrggbb", of the class of each cell that has one, by its id.
    class_names
        All classes of the project, in the order of its list.
    """

    image: ImageSource
    labels: Labels
    numbered: Masks
    ids: npt.NDArray[Any]
    flows: Flows | None
    settings: Mapping[str, object]
    parents: Mapping[int, int] = field(default_factory=dict)
    classes: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        image: ImageSource,
        labels: Labels,
        flows: Flows | None = None,
        settings: Mapping[str, object] | None = None,
        parents: Mapping[int, int] | None = None,
        classes: Mapping[int, tuple[str, str]] | None = None,
        class_names: Sequence[str] = (),
    ) -> MasksToExport:
        """Return what writers need to know of ``labels``."""
        numbered, ids = compact_labels(labels, empty_labels)
        # Cellpose also uses the smaller type where it is enough.
        small = partial(empty_array, dtype=np.uint16)
        fits = len(ids) - 1 <= LARGEST_UINT16
        # Divisions are known of cells, too, that were deleted.
        there = set(ids[1:].tolist()) if parents else set()
        return cls(
            image=image,
            labels=labels,
            numbered=copied(numbered, small) if fits else numbered,
            ids=ids,
            flows=flows,
            settings=settings or {},
            parents={
                daughter: mother
                for daughter, mother in (parents or {}).items()
                if daughter in there and mother in there
            },
            classes=classes or {},
            class_names=tuple(class_names),
        )

    def class_number(self, cell: int) -> int:
        """Return the place of the class of a cell in the list, from 1; 0 for none.

        It is the same in the exports of all images of a project.
        """
        name, _ = self.classes.get(cell, ("", ""))
        return self.class_names.index(name) + 1 if name in self.class_names else 0

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.ids) - 1

    @property
    def axes(self) -> str:
        """Axes of the labels: YX, ZYX, TYX or TZYX."""
        return self.image.label_axes


@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """One kind of file, or of folder, that masks can be exported as.

    Attributes
    ----------
    name
        The word of ``segment --save``; the settings remember it.
    ending
        What is added to the name of the image, which loses its own suffix.
    text
        The choice in the dialog.
    group
        The heading under which the dialog lists it.
    tip
        What it holds and who reads it, a sentence or two; "" if the text says it all.
    write
        Writes the file; called with a path that replaces the old file at the end.
    folder
        It is a folder: ``write`` is called with an empty one.
    contents
        Regular expression of the files in the folder, by their path in it, with
        slashes. A folder that has others is not replaced.
    most_axes
        How many axes of labels it holds: 2 are one plane, 4 a time series of stacks.
    reason_too_many_axes
        What is said of masks with more axes.
    needs_time
        Whether it holds time series only.
    most_cells
        How many cells it holds; None for any number.
    keeps_ids
        It has the ids of the project; others number the cells 1..N, and a table of
        both numbers is written beside them.
    without_cells
        Whether a file is written for masks without cells.
    """

    name: str
    ending: str
    text: str
    group: str = "Other formats"
    tip: str = ""
    write: Callable[[Path, MasksToExport], None]
    folder: bool = False
    contents: str = ""
    most_axes: int = 4
    reason_too_many_axes: str = ""
    needs_time: bool = False
    most_cells: int | None = None
    keeps_ids: bool = False
    without_cells: bool = True

    def path(self, base: Path) -> Path:
        """Return the file for ``base``: folder and name, without suffix."""
        return base.with_name(base.name + self.ending)

    def foreign_file(self, base: Path) -> str:
        """Return a file of others in the folder to be replaced; "" if there is none."""
        folder = self.path(base)
        if not (self.folder and folder.is_dir()):
            return ""
        expected = re.compile(f"{self.contents}|{_OF_SYSTEMS}")
        files = (file for file in folder.rglob("*") if not file.is_dir())
        names = (file.relative_to(folder).as_posix() for file in files)
        return next((name for name in names if not expected.fullmatch(name)), "")

    def reason_unfit(self, axes: str, count: int = 0) -> str:
        """Return why it cannot hold labels of such axes, and so many; "" if it can.

        ``axes`` are YX, ZYX, TYX or TZYX.
        """
        if len(axes) > self.most_axes:
            return self.reason_too_many_axes
        if self.needs_time and "T" not in axes:
            return "it holds tracks over time, and these masks are no time series"
        if self.most_cells is not None and count > self.most_cells:
            return f"it holds at most {self.most_cells} cells"
        return ""

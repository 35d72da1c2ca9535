"""Names of exported files, of which no two images share one."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.atomic import replacing
from cellpose_studio.workflows.save import base_of

NAMES_FILE = "export_names.csv"


class ExportNames:
    """Gives each image a base of its own: folder and name, without suffix.

    a.tif and a.png, or two scenes whose names differ in signs that no file can have,
    would write the same files: the one that comes later gets a number. The order in
    which images come decides, so it should be that of the project or the command.

    Parameters
    ----------
    folder
        Where all files go; None for the folder of each image.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._bases: dict[str, Path] = {}
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._renamed: defaultdict[Path, list[tuple[Path, ImageSource]]]
        self._renamed = defaultdict(list)
        self._listed: dict[Path, int] = {}

    def base(self, image: ImageSource) -> Path:
        """Return the base of an image, which is the same each time."""
        if image.key not in self._bases:
            self._bases[image.key] = self._new(image)
        return self._bases[image.key]

    def write_list(self, folder: Path) -> Path | None:
        """Write which image each name with a number in ``folder`` stands for.

        Columns: ``name``, as the files begin; ``image``, the path; ``scene``. Nothing
        is written if no name has such a number.

        Raises
        ------
        CannotSave
        """
        renamed = self._renamed[folder]
        # After each of thousands of images, the list would be written as it was.
        if len(renamed) == self._listed.get(folder, 0):
            return folder / NAMES_FILE if renamed else None
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("name", "image", "scene"))
        for base, image in renamed:
            rows.writerow((base.name, image.path, image.scene))
        path = folder / NAMES_FILE
        with replacing(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8", newline="")
        self._listed[folder] = len(renamed)
        return path

    def _new(self, image: ImageSource) -> Path:
        natural = base = base_of(image, self._folder)
        # Thousands of folders may have a file of the same name: the numbers that it has
        # got are not tried again.
        number = self._numbers.get(_identity(natural), 1)
        while _identity(base) in self._taken:
            number += 1
            base = natural.with_name(f"{natural.name}_{number}")
        self._numbers[_identity(natural)] = number
        self._taken.add(_identity(base))
        if base != natural:
            self._renamed[base.parent].append((base, image))
        return base


def _identity(base: Path) -> str:
    # Files go from one system to another, and some systems ignore case.
    return str(base).casefold()

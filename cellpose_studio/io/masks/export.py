"""Writing masks for other programs, in the formats of a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.masks.labels import Labels
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.atomic import replacing, replacing_folder
from cellpose_studio.io.masks.export_format import ExportFormat, MasksToExport
from cellpose_studio.io.masks.export_formats import FORMATS, IDS_ENDING


def save_all(
    base: Path,
    labels: Labels,
    flows: Flows | None,
    kinds: Collection[str],
    *,
    image: ImageSource,
    settings: Mapping[str, object] | None = None,
    parents: Mapping[int, int] | None = None,
    classes: Mapping[int, tuple[str, str]] | None = None,
) -> list[Path]:
    """Write the files of ``kinds`` and return them, in the order of `FORMATS`.

    Their names are ``base`` (folder and name, without suffix) and the ending of the
    format. ``labels`` has the ``label_shape`` of ``image``. Where ids have gaps,
    some formats number the cells 1..N, and a table with both numbers lies beside
    them; the others keep the ids. Files of an earlier export that would no longer be
    true (table, regions) are removed. ``parents`` has the mother of each daughter,
    ``classes`` name and colour of the class of cells.

    Raises
    ------
    CannotSave
        If a format has no place for these masks, or the folder of one holds files of
        others: then nothing was written. If a file cannot be written: those before it
        are complete.
    """
    masks = MasksToExport.of(image, labels, flows, settings, parents, classes)
    refuse_unfit(base, kinds, masks.axes, masks.count)
    written: list[Path] = []
    formats = _formats(kinds)
    for form in formats:
        path = form.path(base)
        if not (masks.count or form.without_cells):
            _remove(path)
            continue
        with (replacing_folder if form.folder else replacing)(path) as part:
            form.write(part, masks)
        written.append(path)
    if not all(form.keeps_ids for form in formats):
        written += _save_id_table(base.with_name(base.name + IDS_ENDING), masks.ids)
    return written


def refuse_unfit(base: Path, kinds: Collection[str], axes: str, count: int = 0) -> None:
    """Raise `CannotSave` if a format has no place for such axes and so many cells.

    Neither has one whose folder holds files that no export has written.

    Before a run, when ``count`` is not known, this tells what would fail after it.
    """
    # All of them, so that nobody finds out one run after the other.
    unfit = [
        f"{form.path(base).name} could not be saved: {reason}."
        for form in _formats(kinds)
        if (reason := form.reason_unfit(axes, count))
    ]
    if unfit:
        raise CannotSave(" ".join(unfit), "Save a TIFF instead.")
    for form in _formats(kinds):
        if file := form.foreign_file(base):
            raise CannotSave(
                f"{form.path(base).name} could not be saved: the folder also holds "
                f"{file}, which would be lost.",
                "Rename the folder, or save to another one.",
            )


def _formats(kinds: Collection[str]) -> list[ExportFormat]:
    return [form for name, form in FORMATS.items() if name in kinds]


def _save_id_table(path: Path, ids: npt.NDArray[Any]) -> list[Path]:
    """Write which cell each number 1..N is, if the numbers differ.

    Columns: ``label`` in the files, ``cell`` in the project. Without a difference the
    table of an earlier export is removed.
    """
    # The ids ascend, so they have no gaps exactly if the last one is their number.
    if int(ids[-1]) == len(ids) - 1:
        _remove(path)
        return []
    rows = "".join(f"{label},{cell}\n" for label, cell in enumerate(ids[1:], start=1))
    with replacing(path) as part:
        part.write_text("label,cell\n" + rows, encoding="ascii", newline="\n")
    return [path]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CannotSave(
            f"{path.name} of an earlier export could not be removed: {error.strerror}."
        ) from error

"""Writing masks for other programs, in the formats of a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass
class Saved:
    """What an export has written.

    Attributes
    ----------
    files
        In the order of `FORMATS`.
    reasons
        Why formats were not written, an error for each.
    """

    files: list[Path] = field(default_factory=list)
    reasons: list[CannotSave] = field(default_factory=list)


def save_all(
    base: Path,
    labels: Labels,
    flows: Flows | None,
    kinds: Collection[str],
    *,
    image: ImageSource,
    settings: Mapping[str, object] | None = None,
    parents: Mapping[int, int] | None = None,
) -> list[Path]:
    """Write the files of ``kinds`` and return them, in the order of `FORMATS`.

    Their names are ``base`` (folder and name, without suffix) and the ending of the
    format. ``labels`` has the ``label_shape`` of ``image``. Where ids have gaps,
    some formats number the cells 1..N, and a table with both numbers lies beside
    them; the others keep the ids. Files of an earlier export that would no longer be
    true (table, regions) are removed. ``parents`` has the mother of each daughter.

    Raises
    ------
    CannotSave
        If a format has no place for these masks, or its file cannot be written; the
        others are written.
    """
    masks = MasksToExport.of(image, labels, flows, settings, parents)
    saved = _save(base, masks, kinds)
    if saved.reasons:
        raise unfit(saved.reasons)
    return saved.files


def save_fitting(base: Path, masks: MasksToExport, kinds: Collection[str]) -> Saved:
    """Write the files of ``kinds`` that can be written, as `save_all`.

    Raises
    ------
    CannotSave
        If none of them can.
    """
    saved = _save(base, masks, kinds)
    if saved.reasons and not saved.files:
        raise unfit(saved.reasons)
    return saved


def unfit(reasons: Sequence[CannotSave]) -> CannotSave:
    """Return one error about all formats that were not written."""
    return reasons[0] if len(reasons) == 1 else CannotSave(" ".join(map(str, reasons)))


def reasons_unfit(
    base: Path, kinds: Collection[str], axes: str, count: int = 0
) -> dict[str, CannotSave]:
    """Return an error for each format that cannot be written.

    Those have no place for such axes and so many cells, or their folder holds files
    that no export has written. Before a run, when ``count`` is not known, this tells
    what will be missing after it.
    """
    found = {}
    for form in _formats(kinds):
        reason, hint = form.reason_unfit(axes, count), ""
        if not reason and (file := form.foreign_file(base)):
            reason = f"the folder also holds {file}, which would be lost"
            hint = "Rename the folder, or save to another one."
        if reason:
            said = f"{form.path(base).name} could not be saved: {reason}."
            found[form.name] = CannotSave(said, hint)
    return found


def remove_id_table(base: Path) -> None:
    """Remove the table of an earlier export, where files number cells by their ids.

    Raises
    ------
    CannotSave
    """
    _remove(base.with_name(base.name + IDS_ENDING))


def _save(base: Path, masks: MasksToExport, kinds: Collection[str]) -> Saved:
    reasons = reasons_unfit(base, kinds, masks.axes, masks.count)
    saved = Saved(reasons=[*reasons.values()])
    formats = [form for form in _formats(kinds) if form.name not in reasons]
    for form in formats:
        # One format that cannot be written must not keep the others.
        try:
            saved.files += _write(form, form.path(base), masks)
        except CannotSave as error:
            saved.reasons.append(error)
    if not all(form.keeps_ids for form in formats):
        table = base.with_name(base.name + IDS_ENDING)
        saved.files += _save_id_table(table, masks.ids)
    return saved


def _write(form: ExportFormat, path: Path, masks: MasksToExport) -> list[Path]:
    if not (masks.count or form.without_cells):
        _remove(path)
        return []
    with (replacing_folder if form.folder else replacing)(path) as part:
        form.write(part, masks)
    return [path]


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

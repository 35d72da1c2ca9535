"""Writing masks for other programs: Cellpose's files, and ImageJ's regions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.flows import Flows
from cellpose_studio.core.labels import Labels, compacted, contours
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.rois import rois_of
from cellpose_studio.io.seg_npy import write_seg

Kind = Literal["tif", "png", "npy", "rois", "outlines"]

KINDS: tuple[Kind, ...] = get_args(Kind)

ENDINGS: Mapping[Kind, str] = {
    "tif": "_cp_masks.tif",
    "png": "_cp_masks.png",
    "npy": "_seg.npy",
    "rois": "_rois.zip",
    "outlines": "_cp_outlines.txt",
}
"""What Cellpose adds to the name of the image, which loses its own suffix."""

IDS_ENDING = "_cp_masks_ids.csv"

_MOST_IN_PNG = 65535


def save_all(
    base: Path,
    labels: Labels,
    flows: Flows | None,
    kinds: Collection[Kind],
    *,
    image_path: Path,
    settings: Mapping[str, object] | None = None,
) -> list[Path]:
    """Write the files of ``kinds`` and return them, in the order of `KINDS`.

    Their names are ``base`` (folder and name, without suffix) and `ENDINGS`. Where
    ids have gaps, Cellpose's formats number the cells 1..N, and a table with both
    numbers lies beside them; ImageJ's regions keep the ids. Files of an earlier
    export that would no longer be true (table, regions) are removed.

    Raises
    ------
    CannotSave
        If a format has no place for these masks: then nothing was written. If a
        file cannot be written: those before it are complete.
    """
    paths = {kind: base.with_name(base.name + ENDINGS[kind]) for kind in KINDS}
    _refuse_early(paths, labels, kinds)
    written: list[Path] = []
    if "tif" in kinds:
        written.append(save_masks_tif(paths["tif"], labels))
    if "png" in kinds:
        written.append(save_masks_png(paths["png"], labels))
    if "npy" in kinds:
        write_seg(paths["npy"], labels, flows, image_path, settings or {})
        written.append(paths["npy"])
    if "rois" in kinds and (regions := save_rois_zip(paths["rois"], labels)):
        written.append(regions)
    if "outlines" in kinds:
        written.append(save_outlines_txt(paths["outlines"], labels))
    if set(kinds) - {"rois"}:
        table = save_id_table(base.with_name(base.name + IDS_ENDING), labels)
        written += [table] if table else []
    return written


def save_masks_tif(path: Path, labels: Labels) -> Path:
    """Write labels 1..N as a compressed TIFF of 16 bits, or 32 if there are many."""
    import tifffile

    axes = ("YX", "ZYX", "TZYX")[labels.ndim - 2]
    with replacing(path) as part:
        tifffile.imwrite(
            part,
            _numbered(labels),
            compression="zlib",
            # Or 3 planes are taken for red, green and blue.
            photometric="minisblack",
            metadata={"axes": axes},
        )
    return path


def save_masks_png(path: Path, labels: Labels) -> Path:
    """Write labels 1..N of one plane as a PNG of 16 bits.

    Raises
    ------
    CannotSave
        Also for a stack, and for more than 65535 cells.
    """
    import imagecodecs

    _refuse_stack(path, labels, "A PNG")
    numbered = _numbered(labels)
    if numbered.dtype != np.uint16:
        raise _too_many(path)
    with replacing(path) as part:
        part.write_bytes(imagecodecs.png_encode(numbered))
    return path


def save_outlines_txt(path: Path, labels: Labels) -> Path:
    """Write one line ``x0,y0,x1,y1…`` for each cell of a plane, in order of ids.

    Coordinates are those of border pixels, as in Cellpose's file of that name; also
    as there, a cell with no more than 4 of them has an empty line.
    """
    _refuse_stack(path, labels, "The outlines format")
    found = contours(labels)
    lines = (found[cell].ravel() if len(found[cell]) > 4 else () for cell in found)
    text = "".join(",".join(map(str, line)) + "\n" for line in lines)
    with replacing(path) as part:
        part.write_text(text, encoding="ascii", newline="\n")
    return path


def save_rois_zip(path: Path, labels: Labels) -> Path | None:
    """Write ImageJ's regions for all cells (see `rois_of`), ready for its ROI manager.

    Without any cell there is no such file: None is returned, and the file of an
    earlier export is removed.
    """
    from roifile import roiwrite

    regions = list(rois_of(labels))
    if not regions:
        _remove(path)
        return None
    with replacing(path) as part:
        roiwrite(part, regions, mode="w")
    return path


def save_id_table(path: Path, labels: Labels) -> Path | None:
    """Write which cell each number of Cellpose's formats is, if the numbers differ.

    Columns: ``label`` in the files, ``cell`` in the project. Without a difference
    None is returned, and the table of an earlier export is removed.
    """
    _, ids = compacted(labels)
    if int(ids[-1]) == len(ids) - 1:
        _remove(path)
        return None
    rows = "".join(f"{label},{cell}\n" for label, cell in enumerate(ids[1:], start=1))
    with replacing(path) as part:
        part.write_text("label,cell\n" + rows, encoding="ascii", newline="\n")
    return path


def _numbered(labels: Labels) -> npt.NDArray[Any]:
    masks, ids = compacted(labels)
    return masks.astype(np.uint16 if len(ids) - 1 <= _MOST_IN_PNG else np.uint32)


def _refuse_early(
    paths: Mapping[Kind, Path], labels: Labels, kinds: Collection[Kind]
) -> None:
    if "png" in kinds:
        _refuse_stack(paths["png"], labels, "A PNG")
        if len(compacted(labels)[1]) - 1 > _MOST_IN_PNG:
            raise _too_many(paths["png"])
    if "outlines" in kinds:
        _refuse_stack(paths["outlines"], labels, "The outlines format")
    if "npy" in kinds:
        refuse_axes(paths["npy"], labels)


def _refuse_stack(path: Path, labels: Labels, what: str) -> None:
    if labels.ndim != 2:
        raise CannotSave(
            f"{path.name} could not be saved: {what} holds one plane, not a stack.",
            "Save a TIFF or ImageJ regions instead.",
        )


def _too_many(path: Path) -> CannotSave:
    return CannotSave(
        f"{path.name} could not be saved: A PNG holds at most {_MOST_IN_PNG} cells.",
        "Save a TIFF instead.",
    )


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CannotSave(
            f"{path.name} of an earlier export could not be removed: {error.strerror}."
        ) from error

"""Writing masks for other programs: Cellpose's files, and ImageJ's regions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.masks.labels import Labels, compact_labels, contours, polygons
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.masks.imagej_rois import rois_of
from cellpose_studio.io.masks.seg_npy import write_seg

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

Masks = npt.NDArray[Any]  # 1..N, uint16 or uint32


def save_all(
    base: Path,
    labels: Labels,
    flows: Flows | None,
    kinds: Collection[Kind],
    *,
    image: ImageSource,
    settings: Mapping[str, object] | None = None,
) -> list[Path]:
    """Write the files of ``kinds`` and return them, in the order of `KINDS`.

    Their names are ``base`` (folder and name, without suffix) and `ENDINGS`.
    ``labels`` has the ``label_shape`` of ``image``. Where ids have gaps, Cellpose's
    formats number the cells 1..N, and a table with both numbers lies beside them;
    ImageJ's regions keep the ids. Files of an earlier export that would no longer be
    true (table, regions) are removed.

    Raises
    ------
    CannotSave
        If a format has no place for these masks: then nothing was written. If a
        file cannot be written: those before it are complete.
    """
    numbered, ids = compact_labels(labels)
    count = len(ids) - 1
    masks: Masks = numbered.astype(np.uint16 if count <= _MOST_IN_PNG else np.uint32)
    refuse_unfit(base, kinds, labels.ndim, count)
    written: list[Path] = []
    paths = _paths(base, kinds)
    for kind, path in paths.items():
        if kind == "rois" and count == 0:
            _remove(path)
            continue
        with replacing(path) as part:
            if kind == "tif":
                _write_tif(part, masks, image)
            elif kind == "png":
                _write_png(part, masks)
            elif kind == "npy":
                write_seg(part, masks, flows, image.path, settings or {})
            elif kind == "rois":
                _write_rois(part, labels, image)
            else:
                _write_outlines(part, masks)
        written.append(path)
    if paths.keys() - {"rois"}:
        written += _save_id_table(base.with_name(base.name + IDS_ENDING), ids)
    return written


def refuse_unfit(
    base: Path, kinds: Collection[Kind], axes: int, count: int = 0
) -> None:
    """Raise `CannotSave` if a format has no place for so many axes and cells.

    Before a run, when ``count`` is not known, this tells what would fail after it.
    """
    for kind, path in _paths(base, kinds).items():
        if reason := _unfit(kind, axes, count):
            raise CannotSave(
                f"{path.name} could not be saved: {reason}.", "Save a TIFF instead."
            )


def _unfit(kind: Kind, axes: int, count: int) -> str:
    if kind in ("png", "outlines") and axes > 2:
        return "it holds one plane, not a stack or a time series"
    if kind == "png" and count > _MOST_IN_PNG:
        return f"it holds at most {_MOST_IN_PNG} cells"
    if kind == "npy" and axes > 3:
        return "it holds one stack, not a time series of stacks"
    return ""


def _paths(base: Path, kinds: Collection[Kind]) -> dict[Kind, Path]:
    return {k: base.with_name(base.name + ENDINGS[k]) for k in KINDS if k in kinds}


def _write_tif(part: Path, masks: Masks, image: ImageSource) -> None:
    import tifffile

    tifffile.imwrite(
        part,
        masks,
        compression="zlib",
        # Or 3 planes are taken for red, green and blue.
        photometric="minisblack",
        metadata={"axes": _label_axes(image)},
    )


def _write_png(part: Path, masks: Masks) -> None:
    import imagecodecs

    part.write_bytes(imagecodecs.png_encode(masks))


def _write_rois(part: Path, labels: Labels, image: ImageSource) -> None:
    from roifile import roiwrite

    # What ImageJ calls a hyperstack: more than one of these, where colours are one.
    channels = 1 if image.rgb else image.channels
    lengths = (image.frames, channels, image.planes)
    hyperstack = sum(n > 1 for n in lengths) > 1
    roiwrite(part, rois_of(labels, _label_axes(image), hyperstack), mode="w")


def _write_outlines(part: Path, masks: Masks) -> None:
    """Write one line ``x0,y0,x1,y1…`` for each cell of a plane.

    Coordinates are those of border pixels, as in Cellpose's file of that name. There,
    a cell with no more than 4 of them has an empty line, at which Cellpose's macro for
    ImageJ stops; here it has the corners of its pixels.
    """
    found = contours(masks)
    tiny = [cell for cell, line in found.items() if len(line) <= 4]
    corners = polygons(np.where(np.isin(masks, tiny), masks, 0))
    lines = (max(corners.get(cell, [found[cell]]), key=len) for cell in found)
    text = "".join(",".join(map(str, line.ravel())) + "\n" for line in lines)
    part.write_text(text, encoding="ascii", newline="\n")


def _label_axes(image: ImageSource) -> str:
    """Return the axes of a label image of ``image``: YX, ZYX, TYX or TZYX."""
    lengths = zip("TZ", (image.frames, image.planes), strict=True)
    return "".join(axis for axis, n in lengths if n > 1) + "YX"


def _save_id_table(path: Path, ids: npt.NDArray[Any]) -> list[Path]:
    """Write which cell each number of Cellpose's formats is, if the numbers differ.

    Columns: ``label`` in the files, ``cell`` in the project. Without a difference the
    table of an earlier export is removed.
    """
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

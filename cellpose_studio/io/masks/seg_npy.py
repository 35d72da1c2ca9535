"""Cellpose's ``_seg.npy`` files: reads all versions, writes the newest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.masks.labels import outlines
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.masks.exchange.colours import bright_colours
from cellpose_studio.io.masks.export_format import MasksToExport
from cellpose_studio.io.masks.imported import ImportedMasks, as_labels
from cellpose_studio.io.masks.safe_unpickle import load_npy_dict
from cellpose_studio.io.masks.seg_flows import flows_from, flows_to
from cellpose_studio.io.masks.seg_strokes import draw_strokes

_PIXELS = ("masks", "outlines", "flows", "img", "img_restore")
_PER_CELL = ("colors", "ismanual", "zdraw")
_NOT_OURS = (*_PIXELS, "filename", "restore", "ratio")
_NORMALIZE = {
    "lowhigh": None,
    "percentile": [1.0, 99.0],
    "normalize": True,
    "norm3D": True,
    "sharpen_radius": 0.0,
    "smooth_radius": 0.0,
    "tile_norm_blocksize": 0.0,
    "tile_norm_smooth3D": 1.0,
    "invert": False,
}


def read_seg(path: Path) -> ImportedMasks:
    """Read a ``_seg.npy`` file of Cellpose's GUI or command line, of any version.

    Everything but masks, outlines, flows and image pixels goes into ``details``.
    ``diameter`` is included only if the file has a number for it, under the name of any
    version.

    Raises
    ------
    MasksUnreadable
        If the file is missing or damaged, has no masks, or could run code.
    """
    stored = load_npy_dict(path)
    labels = _labels(stored, path)
    diameter = _diameter(stored)
    left_out = (*_PIXELS, "diameter", "est_diam")
    details = {key: value for key, value in stored.items() if key not in left_out}
    if diameter is not None:
        details["diameter"] = diameter
    flows = flows_from(stored.get("flows"), labels.shape, diameter)
    return ImportedMasks(labels=labels, flows=flows, path=path, details=details)


def export_seg(path: Path, masks: MasksToExport) -> None:
    """Write masks that are exported; as `write_seg` does."""
    write_seg(path, masks.numbered, masks.flows, masks.image.path, masks.settings)


def write_seg(
    path: Path,
    masks: npt.NDArray[Any],
    flows: Flows | None,
    image_path: Path,
    settings: Mapping[str, object],
) -> None:
    """Write a file that Cellpose's GUI can open and re-threshold.

    ``masks`` is YX, or a stack: ZYX, TYX; uint16 or uint32, with the cells numbered
    1..N. ``settings`` replaces what the GUI would store, under its keys
    (``flow_threshold``, ``cellprob_threshold``, ``diameter``, ``model_path``,
    ``normalize_params``, ``manual_changes``, ``ismanual`` …), and may add keys, which
    Cellpose ignores: plain values and arrays only. A list with an entry for each cell
    counts only if it has as many as there are cells.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    count = int(masks.max())
    content = {
        "masks": masks,
        "outlines": masks * outlines(masks),
        "flows": flows_to(flows, masks.shape),
        "filename": str(image_path),
        **_settings(settings, count, stacked=masks.ndim == 3),
    }
    # Given a path, np.save would add .npy to a name without it.
    with path.open("wb") as file:
        np.save(file, np.array(content, dtype=object))


def _settings(
    settings: Mapping[str, object], count: int, stacked: bool
) -> dict[str, object]:
    """Return all keys of the GUI's file that do not hold pixels."""
    given = {
        key: _plain(value)
        for key, value in settings.items()
        if key not in _NOT_OURS and (key not in _PER_CELL or _length(value) == count)
    }
    normalize = given.pop("normalize_params", None)
    known = normalize if isinstance(normalize, dict) else {}
    return {
        "colors": bright_colours(count),
        "ismanual": np.zeros(count, bool),
        "manual_changes": [],
        "chan_choose": [0, 0],
        "current_channel": 0,
        # The GUI stores 0 if no model was run.
        "model_path": 0,
        "flow_threshold": 0.4,
        "cellprob_threshold": 0.0,
        "diameter": None,
        **({"zdraw": [None] * count} if stacked else {}),
        **given,
        # The GUI cannot open a file with other keys.
        "normalize_params": {k: known.get(k, v) for k, v in _NORMALIZE.items()},
        "restore": None,
        "ratio": 1.0,
    }


def _plain(value: object) -> object:
    """Return ``value`` in types that can be unpickled without this package."""
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcUS":
        return value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a _seg.npy file has no place for {type(value).__name__}")


def _length(value: object) -> int:
    return len(value) if isinstance(value, list | tuple | np.ndarray) else -1


def _labels(stored: dict[str, Any], path: Path) -> npt.NDArray[np.uint32]:
    """Return the masks, or draw them from the strokes of the oldest files."""
    masks, lines = stored.get("masks"), stored.get("outlines")
    if isinstance(masks, np.ndarray) and masks.ndim > 1:
        return as_labels(masks, path)
    if isinstance(lines, list):
        return as_labels(draw_strokes(lines, stored, path), path)
    raise MasksUnreadable(
        f"{path.name} contains no masks.", "It may be the result of a failed run."
    )


def _diameter(details: Mapping[str, object]) -> float | None:
    for key in ("diameter", "est_diam"):
        value = details.get(key)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()
        if isinstance(value, int | float) and 0 < value < np.inf:
            return float(value)
    return None

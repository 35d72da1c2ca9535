"""Reader of Imaris' IMS files, which are HDF5."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from cellpose_studio.core.images.image import Colour
from cellpose_studio.io.images.stored_image import (
    Array,
    PixelSize,
    Stored,
    refuse_large_part,
)
from cellpose_studio.io.images.units import interval_of, to_um
from cellpose_studio.io.images.vendor.planes import Planes

_LEVEL = "DataSet/ResolutionLevel 0"


def open_file(path: Path) -> list[Stored]:
    """Return the image of an IMS file at full resolution.

    Raises
    ------
    Exception
        Whatever the library raises for damaged files.
    """
    import pyfive

    with pyfive.File(path) as file:
        times = _numbered(file[_LEVEL], "TimePoint ")
        channels = _numbered(file[f"{_LEVEL}/TimePoint 0"], "Channel ")
        first = file[f"{_LEVEL}/TimePoint 0/Channel 0"]
        volume = tuple(_whole(first.attrs, f"ImageSize{axis}") for axis in "ZYX")
        dataset = first["Data"]
        dtype = np.dtype(dataset.dtype)
        refuse_large_part(path, math.prod(dataset.chunks or (0,)) * dtype.itemsize)
        info = file["DataSetInfo"]
        names = tuple(_text(_of(info, n), "Name") for n in range(channels))
        colours = tuple(_colour(_text(_of(info, n), "Color")) for n in range(channels))
        size = _pixel_size(info["Image"].attrs, volume)
        interval = _interval_s(info, times)
    shape = (times, channels, *volume)
    return [
        Stored(
            axes="TCZYX",
            shape=shape,
            dtype=dtype,
            pixels=_Volumes(path, shape, dtype),
            pixel_size_um=size,
            interval_s=interval,
            channel_names=names,
            channel_colours=colours,
        )
    ]


def _numbered(group: Any, name: str) -> int:
    return sum(key.startswith(name) for key in group)


def _of(info: Any, channel: int) -> Any:
    name = f"Channel {channel}"
    return info[name].attrs if name in info else {}


def _text(attributes: Any, name: str) -> str:
    """Return an attribute, which Imaris writes as an array of single letters."""
    value = attributes.get(name, "") if name in attributes else ""
    if isinstance(value, np.ndarray):
        value = b"".join(np.atleast_1d(value).astype("S").tolist())
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _whole(attributes: Any, name: str) -> int:
    return int(_text(attributes, name))


def _pixel_size(attributes: Any, volume: tuple[int, ...]) -> PixelSize:
    """Return the extent over the number of pixels."""
    unit = _text(attributes, "Unit") or "um"
    sizes = []
    # Imaris counts X, Y and Z.
    for number, count in zip((2, 1, 0), volume, strict=True):
        ends = [_text(attributes, f"Ext{kind}{number}") for kind in ("Max", "Min")]
        length = float(ends[0]) - float(ends[1]) if all(ends) else 0.0
        sizes.append(to_um(length / count, unit))
    z, y, x = sizes
    return (z if volume[0] > 1 else None), y, x


def _interval_s(info: Any, times: int) -> float | None:
    """Return the seconds between the dates of the time points."""
    if "TimeInfo" not in info:
        return None
    attributes = info["TimeInfo"].attrs
    texts = [_text(attributes, f"TimePoint{n + 1}") for n in range(times)]
    try:
        dates = [datetime.fromisoformat(text.strip()) for text in texts]
    except ValueError:
        return None
    return interval_of([(one - dates[0]).total_seconds() for one in dates])


def _colour(text: str) -> Colour | None:
    try:
        red, green, blue = map(float, text.split())
    except ValueError:
        return None
    return red, green, blue


class _Volumes(Planes):
    """Volumes of an IMS file; only the chunks that are needed are decoded."""

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        super().__init__(shape, 3, dtype)
        self._path = path
        self._lock = threading.Lock()

    def planes(
        self, places: Sequence[tuple[int, ...]], inner: tuple[slice, ...]
    ) -> Iterator[Array]:
        """Yield the part ``inner`` of volumes."""
        import pyfive

        with self._lock, pyfive.File(self._path) as file:
            for t, c in places:
                name = f"{_LEVEL}/TimePoint {t}/Channel {c}/Data"
                yield np.asarray(file[name][inner])

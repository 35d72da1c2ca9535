"""Reader of Olympus' OIF files with their folders, and of OIB files."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.stored_image import Array, PixelSize, Stored
from cellpose_studio.io.images.units import to_seconds, to_um
from cellpose_studio.io.images.vendor.compound import check_compound
from cellpose_studio.io.images.vendor.formats import files_folder
from cellpose_studio.io.images.vendor.planes import Planes
from cellpose_studio.io.images.vendor.scenes import apart

if TYPE_CHECKING:
    from oiffile import OifFile
    from tifffile import TiffFile

_WORDS = {"L": "Wavelength", "A": "Animation"}


def open_file(path: Path) -> list[Stored]:
    """Return the image of an OIF or OIB file.

    Raises
    ------
    ImageUnreadable
        If the folder with the pixels of an OIF file is missing, or has none.
    """
    from oiffile import OifFile

    folder = files_folder(path)
    if folder is not None and not folder.is_dir():
        raise ImageUnreadable(
            f"{folder.name}, which holds the pixels of {path.name}, is missing.",
            "Copy the folder to the place of the file.",
        )
    if folder is None:
        check_compound(path)
    with OifFile(path) as oif:
        if not oif.series:
            raise ImageUnreadable(
                f"{path.name} has no pixels.",
                "Copy it again from the microscope, with its folder of files.",
            )
        series = oif.series[0]
        files = [str(name) for name in series]
        outer, axes = tuple(map(int, series.shape)), str(series.axes)
        settings = oif.mainfile
        with _opened(oif, files[0]) as tiff:
            page = tiff.pages.first
            plane, inner, dtype = page.shape, page.axes, np.dtype(page.dtype)
    # The numbers in the names tell where a plane belongs: some may be missing.
    numbers = dict(zip(map(tuple, series.indices), files, strict=True))
    if len(numbers) != len(files):
        raise ImageUnreadable(
            f"{path.name} has several files for the same plane.",
            "Take files of other images out of its folder, or copy it again.",
        )
    missing = int(np.prod(outer)) - len(numbers)
    note = (
        f"{path.name} is not complete: {missing:,} of {int(np.prod(outer)):,} planes "
        "are missing; they are black."
    )
    shape = (*outer, *plane)
    stored = Stored(
        axes=axes + inner,
        shape=shape,
        dtype=dtype,
        pixels=_Files(path, numbers, shape, len(plane), dtype),
        samples=3 if "S" in inner else 1,
        colour="S" in inner,
        pixel_size_um=_pixel_size(settings),
        interval_s=to_seconds(*_step(settings, "T")),
        channel_names=_channel_names(settings, dict(zip(axes, outer, strict=True))),
        notes=(note,) if missing else (),
    )
    return apart(stored, _WORDS, {})


@contextmanager
def _opened(oif: OifFile, name: str) -> Iterator[TiffFile]:
    """Open a plane of the file for the block."""
    from tifffile import TiffFile

    with oif.open_file(name) as file, TiffFile(file, name=name) as tiff:
        yield tiff


def _pixel_size(settings: Mapping[str, Any]) -> PixelSize:
    reference = settings.get("Reference Image Parameter", {})
    x, y = (
        to_um(reference.get(f"{side}ConvertValue", 0), reference.get(unit, "um"))
        for side, unit in (("Width", "WidthUnit"), ("Height", "HeightUnit"))
    )
    return to_um(*_step(settings, "Z")), y, x


def _step(settings: Mapping[str, Any], code: str) -> tuple[float, str]:
    """Return the distance of places on an axis, and its unit: nm or ms as a rule."""
    for name, axis in settings.items():
        if not name.startswith("Axis ") or not name.endswith(" Parameters Common"):
            continue
        if axis.get("AxisCode") == code and int(axis.get("MaxSize", 0)) > 1:
            length = float(axis["EndPosition"]) - float(axis["StartPosition"])
            step = abs(length) / (int(axis["MaxSize"]) - 1)
            return step, str(axis.get("UnitName", ""))
    return math.nan, ""


def _channel_names(
    settings: Mapping[str, Any], lengths: Mapping[str, int]
) -> tuple[str, ...]:
    """Return the dye of each channel; channels count from 1."""
    return tuple(
        str(settings.get(f"GUI Channel {n} Parameters", {}).get("DyeName", ""))
        for n in range(1, lengths.get("C", 1) + 1)
    )


class _Files(Planes):
    """Planes that are TIFF files in the folder of an OIF file, or inside an OIB."""

    def __init__(
        self,
        path: Path,
        numbers: Mapping[tuple[int, ...], str],
        shape: tuple[int, ...],
        inner: int,
        dtype: np.dtype[Any],
    ) -> None:
        super().__init__(shape, inner, dtype)
        self._path, self._numbers = path, numbers
        self._lock = threading.Lock()

    def planes(
        self, places: Sequence[tuple[int, ...]], inner: tuple[slice, ...]
    ) -> Iterator[Array]:
        """Yield the part ``inner`` of planes; those that are missing are black."""
        from oiffile import OifFile

        plane = self.shape[self._outer :]
        with self._lock, OifFile(self._path) as oif:
            for place in places:
                name = self._numbers.get(place)
                if name is None:
                    yield np.zeros(plane, self.dtype)[inner]
                    continue
                with _opened(oif, name) as tiff:
                    yield tiff.asarray().reshape(plane)[inner]

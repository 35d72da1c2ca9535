"""Checks compound files of Microsoft, which OIB files are, before they are read.

A table says which sector follows which one. In a damaged file they may follow each
other in a circle, and oiffile 2026.2.8 would collect them until the memory is full.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.images.stored_image import damaged

_HEADER = struct.Struct("<30xH12xI12xIIII")
"""Exponent of the size of a sector; number of sectors of the table; first sector and
number of those of the table of short streams, and of the list of sectors of the table.
"""

_LISTED = 109
"""Sectors of the table that the header lists itself."""

_END_OF_HEADER = 512


def check_compound(path: Path) -> None:
    """Raise `ImageUnreadable` if sectors follow each other in a circle."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(_END_OF_HEADER)
        if len(header) < _END_OF_HEADER:
            raise damaged(path)
        shift, tables, short, shorts, more, lists = _HEADER.unpack_from(header)
        if shift not in (9, 12) or max(tables, shorts, lists) > size >> shift:
            raise damaged(path)
        places = np.frombuffer(header, "<u4", _LISTED, _HEADER.size)

        def sector(number: int) -> npt.NDArray[Any]:
            file.seek((number + 1) << shift)
            data = file.read(1 << shift)
            if len(data) < 1 << shift:
                raise damaged(path)
            return np.frombuffer(data, "<u4")

        listed = [places]
        for _ in range(lists):
            part = sector(more)
            listed.append(part[:-1])
            more = int(part[-1])
        numbers = np.concatenate(listed)[:tables]
        table = np.concatenate([sector(int(n)) for n in numbers] or [places[:0]])
        chained: list[npt.NDArray[Any]] = []
        while len(chained) < shorts and short < len(table):
            chained.append(sector(short))
            short = int(table[short])
    for one in (table, np.concatenate(chained or [table[:0]])):
        if _has_circle(one):
            raise damaged(path)


def _has_circle(table: npt.NDArray[Any]) -> bool:
    """Return whether a walk along ``table`` does not end."""
    end = len(table)
    # Whatever is no sector ends a chain, and is followed by itself.
    after = np.append(np.minimum(table, end), end).astype(np.int64)
    # Each round doubles the length of the steps.
    for _ in range(end.bit_length()):
        after = after[after]
    return bool((after != end).any())

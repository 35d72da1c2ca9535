"""Binary files of flows, with a checksum that reveals damage.

A file holds, little-endian: a head (`_HEAD`), the flow field (A, N, Y, X) and the cell
probability (N, Y, X) as float32 in C order, and the CRC-32 of all of that. The mark
says which flows the network learned.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator
from io import BufferedReader, BufferedWriter

import numpy as np

from cellpose_studio.core.runs.flows import FloatArray, Flows

_MARKS = {False: b"CPSflow1", True: b"CPSflow2"}
"""By whether the flows of training were computed cell by cell."""
_HEAD = struct.Struct("<8s5I2d")  # mark; A, N, Y, X, frames; scale, diameter
_CHECK = struct.Struct("<I")
_PIECE = 2**24


def write_flows(file: BufferedWriter, flows: Flows) -> None:
    """Write ``flows``; raises `OSError`."""
    field, probability = flows.dP, flows.cellprob
    mark = _MARKS[flows.per_cell]
    head = _HEAD.pack(mark, *field.shape, flows.frames, flows.scale, flows.diameter)
    check = zlib.crc32(head)
    file.write(head)
    for array in (field, probability):
        # On a little-endian machine, contiguous float32 flows are not copied here.
        for piece in _pieces(np.ascontiguousarray(array, "<f4")):
            check = zlib.crc32(piece, check)
            file.write(piece)
    # The checksum comes last: with it in the head, the flows would be read twice.
    file.write(_CHECK.pack(check))


def read_flows(file: BufferedReader) -> Flows:
    """Return the flows in a file, read from its current position.

    Raises
    ------
    ValueError
        If the file is truncated, damaged, or contains something else.
    OSError
        If it cannot be read.
    """
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or not head.startswith(tuple(_MARKS.values())):
        raise ValueError("no flows")
    mark, axes, *shape, frames, scale, diameter = _HEAD.unpack(head)
    pixels = 4 * (axes + 1) * math.prod(shape)
    # The size is checked before memory is allocated for numbers that may be wrong.
    if os.fstat(file.fileno()).st_size != _HEAD.size + pixels + _CHECK.size:
        raise ValueError("too short, or too long")
    # Field and probability become views of one array, because they have the same shape
    # but for the first axis.
    whole = np.empty((axes + 1, *shape), "<f4")
    check = zlib.crc32(head)
    for piece in _pieces(whole):
        # A file that is cut off meanwhile leaves a piece unfilled without an error. The
        # checksum reveals it.
        file.readinto(piece)
        check = zlib.crc32(piece, check)
    if file.read() != _CHECK.pack(check):
        raise ValueError("damaged")
    return Flows(
        dP=whole[:-1],
        cellprob=whole[-1],
        scale=scale,
        diameter=diameter,
        frames=frames,
        per_cell=mark == _MARKS[True],
    )


def _pieces(array: FloatArray) -> Iterator[memoryview]:
    """Yield the bytes of a contiguous array piece by piece, without copies."""
    content = array.reshape(-1).view(np.uint8)
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE].data

"""The process that reads CZI files, at the command of another one.

libCZI may end the process that it runs in, or not return, if a file is damaged.

Each line of the standard input is a request in JSON. The answer is a line of JSON for
each part of it, which is followed by the bytes of an array if it has a ``shape``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pylibCZIrw.czi import CziReader

Json = dict[str, Any]


def main() -> int:
    """Answer requests until there are no more."""
    answers, requests = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    # What libraries print must not get between the answers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with answers, requests:
        for line in requests:
            try:
                _answer(json.loads(line), answers)
            except ImportError as error:
                _say(answers, {"missing": error.name})
            # The library raises RuntimeError and others for damaged files.
            except Exception as error:
                _say(answers, {"error": str(error)})
            answers.flush()
    return 0


def _answer(request: Json, answers: BinaryIO) -> None:
    from pylibCZIrw.czi import open_czi

    with open_czi(request["path"]) as file:
        if "planes" not in request:
            _say(answers, _description(file))
            return
        for pixels in _planes(file, request):
            _say(answers, {"shape": pixels.shape, "dtype": pixels.dtype.str})
            answers.write(pixels.tobytes())


def _description(file: CziReader) -> Json:
    """Return axes, scenes, types of pixels and metadata.

    ``lengths`` has first index and length of each axis but X and Y; ``planes`` counts
    those that are there, in all scenes; rectangles are left, top, width and height.
    """
    starts, planes = _places(file)
    sizes = {
        axis: size
        for axis, (_, size) in file.total_bounding_box_no_pyramid.items()
        if axis not in "XY"
    }
    first = starts.get("C", 0)
    return {
        "lengths": {axis: [starts.get(axis, 0), int(n)] for axis, n in sizes.items()},
        "planes": planes,
        "scenes": {
            str(scene): list(map(int, rectangle))
            for scene, rectangle in file.scenes_bounding_rectangle_no_pyramid.items()
        },
        "whole": list(map(int, file.total_bounding_rectangle_no_pyramid)),
        "pixels": [
            file.get_channel_pixel_type(first + n) for n in range(sizes.get("C", 1))
        ],
        "metadata": file.raw_metadata,
    }


def _places(file: CziReader) -> tuple[dict[str, int], int]:
    """Return the first index on each axis, and how many planes have pixels.

    The library gives lengths only, but a part of a film does not start at 0.
    """
    starts: dict[str, int] = {}
    planes = set()

    def see(_: int, block: Any) -> bool:
        place = block.coordinate.to_dict()
        for axis, index in place.items():
            starts[axis] = min(index, starts.get(axis, index))
        planes.add(tuple(sorted(place.items())))
        return True

    file.enumerate_subblocks(see)
    return starts, len(planes)


def _planes(file: CziReader, request: Json) -> Iterator[Any]:
    for plane in request["planes"]:
        pixels = file.read(
            roi=tuple(request["region"]), plane=plane, scene=request["scene"]
        )
        # Colours are stored as blue, green, red, and perhaps transparency.
        yield pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., 2::-1]


def _say(answers: BinaryIO, answer: Json) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")

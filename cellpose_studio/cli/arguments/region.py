"""Options of the region that a run is limited to."""

from __future__ import annotations

import argparse

from pydantic import ValidationError

from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.runs.region import Region

_MORE = ("region_frame", "region_plane", "region_contrast", "region_cell")


def add_region(parser: argparse.ArgumentParser) -> None:
    """Add ``--region`` and the options that belong to it."""
    parser.add_argument(
        "--region",
        type=_points,
        metavar="X0,Y0,X1,Y1",
        help="take only cells of which at least half lies in this rectangle, px; more "
        "pairs of x,y are the corners of a polygon (default: the whole image)",
    )
    parser.add_argument(
        "--region-frame",
        type=int,
        metavar="N",
        help="time point of the region, from 1 (default: all)",
    )
    parser.add_argument(
        "--region-plane",
        type=int,
        metavar="N",
        help="plane of the region, from 1 (default: all)",
    )
    parser.add_argument(
        "--region-contrast",
        choices=("image", "region"),
        help="whose percentiles scale the intensities (default: image)",
    )
    parser.add_argument(
        "--region-cell",
        type=_cell,
        metavar="X,Y[,PLANE]",
        help="take only the cell there; the threshold of the cell probability is "
        "lowered until there is one",
    )


def build_region(options: argparse.Namespace) -> Region | None:
    """Return the region of the options; None for the whole image.

    Raises
    ------
    ParametersUnfit
        If options do not fit together.
    """
    more = {n.removeprefix("region_"): getattr(options, n) for n in _MORE}
    more = {name: value for name, value in more.items() if value is not None}
    if options.region is None:
        if more:
            raise ParametersUnfit(f"--region-{next(iter(more))} needs --region.")
        return None
    if "cell" in more:
        *at, plane = more.pop("cell")
        more |= {"cell_at": tuple(at), "cell_plane": plane}
    try:
        return Region(points=options.region, **more)
    except ValidationError as error:
        problem = error.errors()[0]
        text = problem["msg"].removeprefix("Value error, ")
        name = f"-{problem['loc'][0]}" if problem["loc"] else ""
        option = "" if name == "-points" else name
        raise ParametersUnfit(f"--region{option}: {text}.") from error


def _points(text: str) -> tuple[tuple[float, float], ...]:
    numbers = _numbers(text)
    if len(numbers) < 4 or len(numbers) % 2:
        raise argparse.ArgumentTypeError(
            f"{text} is not a region: give X0,Y0,X1,Y1, or the corners of a polygon"
        )
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _cell(text: str) -> tuple[float, float, int | None]:
    numbers = _numbers(text)
    if len(numbers) == 2:
        return numbers[0], numbers[1], None
    if len(numbers) == 3 and numbers[2].is_integer():
        return numbers[0], numbers[1], int(numbers[2])
    raise argparse.ArgumentTypeError(f"{text} is not a place: give X,Y or X,Y,PLANE")


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return []

"""The arguments of ``cellpose-studio evaluate``, and the columns of its table."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.cli.arguments.options import above_0

if TYPE_CHECKING:
    from cellpose_studio.core.matching.evaluation.scores import Scores

_AT_IOU = {
    "ap": "AP",
    "precision": "P",
    "recall": "R",
    "f1": "F1",
    "sq": "SQ",
    "pq": "PQ",
}
METRICS = (*_AT_IOU, "aji", "boundary")
_IOU = (0.5, 0.75, 0.9)
_ALL_IOU = "all"


@dataclass(frozen=True)
class ScoreColumn:
    """A column of the table: its title, and the score of an image."""

    title: str
    value: Callable[[Scores], float]


def add_evaluation(parser: argparse.ArgumentParser) -> None:
    """Add the options of the scores, and of what counts."""
    parser.add_argument(
        "--metrics",
        nargs="+",
        choices=METRICS,
        default=["ap"],
        metavar="NAME",
        help=f"scores to print: {', '.join(METRICS)} (default: ap)",
    )
    parser.add_argument(
        "--iou",
        nargs="+",
        type=_iou,
        default=[_IOU],
        metavar="IOU",
        help="overlaps from which on two cells are the same, or all for 0.5, 0.55 … "
        "0.95 (default: 0.5 0.75 0.9)",
    )
    parser.add_argument(
        "--ignore",
        metavar="PATH",
        help="mask, or folder of masks named as the images, of pixels where nothing is "
        "known; in a project, the name of such masks",
    )
    parser.add_argument(
        "--without-border",
        action="store_true",
        help="leave out cells that touch the border of the image",
    )
    parser.add_argument(
        "--boundary",
        type=above_0("radius in px"),
        default=2.0,
        metavar="PX",
        help="how far from an outline a pixel is near it, for the score boundary "
        "(default: 2)",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write all scores of each image; FILE_cells.csv lists the wrong cells",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the same into one file"
    )


def thresholds_of(options: argparse.Namespace) -> tuple[float, ...]:
    """Return the overlaps that were asked for, ascending, each once."""
    return tuple(sorted({value for one in options.iou for value in one}))


def columns_of(options: argparse.Namespace) -> list[ScoreColumn]:
    """Return the columns of the table, in the order in which they were asked for."""
    thresholds = thresholds_of(options)
    return [
        column
        for name in dict.fromkeys(options.metrics)
        for column in _columns(name, thresholds)
    ]


def _columns(name: str, thresholds: Sequence[float]) -> Iterator[ScoreColumn]:
    if name == "aji":
        yield ScoreColumn("AJI", lambda scores: scores.aji)
    elif name == "boundary":
        yield ScoreColumn("BF", _boundary)
    else:
        for n, iou in enumerate(thresholds):
            yield ScoreColumn(f"{_AT_IOU[name]}@{iou:g}", partial(_score, name, n))


def _score(name: str, n: int, scores: Scores) -> float:
    return float(getattr(scores, name)[n])


def _boundary(scores: Scores) -> float:
    return float("nan") if scores.boundary is None else scores.boundary.f_score


def _iou(text: str) -> tuple[float, ...]:
    if text == _ALL_IOU:
        return tuple(round(0.5 + 0.05 * n, 2) for n in range(10))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no overlap: give 0.5, or all")
    return (value,)

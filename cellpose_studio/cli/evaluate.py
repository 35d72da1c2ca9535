"""``cellpose-studio evaluate``: how well masks agree with true masks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cellpose_studio.core.errors import StudioError

if TYPE_CHECKING:
    from cellpose_studio.cli.options import Commands


def add(commands: Commands) -> None:
    """Add this command to ``commands``."""
    parser = commands.add_parser(
        "evaluate", help="average precision of masks, against true masks"
    )
    parser.add_argument("predicted", type=Path, help="label image, or folder of them")
    parser.add_argument("true", type=Path, help="true label image, or folder of them")
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    # Imports Cellpose, which the help can do without.
    from cellpose_studio.engine.evaluation import IOU_THRESHOLDS
    from cellpose_studio.workflows.evaluate import compare, masks_pairs

    pairs = masks_pairs(options.predicted, options.true)
    width = max(len("mean of 000 images"), *(len(p.name) for p, _ in pairs))
    titles = "".join(f"  AP@{iou:<5}" for iou in IOU_THRESHOLDS)
    print(f"{'masks':{width}}{titles}   true  found")
    rows, failed = [], 0
    for predicted, true in pairs:
        try:
            result = compare(predicted, true)
        except StudioError as error:
            failed += 1
            print(f"cellpose-studio: {error}", file=sys.stderr)
            continue
        rows.append(result.precision)
        counts = f"  {result.true_cells:5d}  {result.found_cells:5d}"
        print(f"{predicted.name:{width}}{_numbers(result.precision)}{counts}")
    if rows:
        mean = np.nanmean(rows, axis=0)
        print(f"{f'mean of {len(rows)} images':{width}}{_numbers(tuple(mean))}")
    return 0 if not failed else 1 if rows else 2


def _numbers(precision: tuple[float, ...]) -> str:
    return "".join(f"  {value:8.3f}" for value in precision)

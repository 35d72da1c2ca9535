"""``cellpose-studio evaluate``: accuracy of masks against true masks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cellpose_studio.cli.outcome import Outcome


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.add_argument("predicted", type=Path, help="label image, or folder of them")
    parser.add_argument("true", type=Path, help="true label image, or folder of them")
    parser.add_argument(
        "--axes",
        help="axes of masks that do not say: ZYX is a stack, TYX a time series, whose "
        "frames are compared one by one",
    )
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    # These import Cellpose, which the help does not need.
    from cellpose_studio.engine.evaluation import IOU_THRESHOLDS
    from cellpose_studio.workflows.evaluate import agreement_of_files, masks_pairs

    found = masks_pairs(options.predicted, options.true)
    if found.alone:
        names = ", ".join(path.name for path in found.alone)
        print(f"cellpose-studio: without a partner: {names}", file=sys.stderr)
    width = max(len("mean of 000 images"), *(len(p.name) for p, _ in found.pairs))
    titles = "".join(f"  AP@{iou:<5}" for iou in IOU_THRESHOLDS)
    print(f"{'masks':{width}}{titles}   true  found")
    outcome = Outcome()
    rows = []
    for predicted, true in found.pairs:
        with outcome.collect_failures(predicted):
            result = agreement_of_files(predicted, true, options.axes, found.others)
            if result.note:
                note = f"{predicted.name}: {result.note}"
                print(f"cellpose-studio: {note}", file=sys.stderr)
            outcome.done += 1
            counts = f"  {result.true_cells:5d}  {result.found_cells:5d}"
            print(f"{predicted.name:{width}}{_numbers(result.precision)}{counts}")
            # An image without cells, true or found, has no precision.
            if result.true_cells + result.found_cells:
                rows.append(result.precision)
    if rows:
        unit = "image" if len(rows) == 1 else "images"
        mean = _numbers(np.mean(rows, axis=0))
        print(f"{f'mean of {len(rows)} {unit}':{width}}{mean}")
    outcome.print_failures()
    return outcome.exit_code


def _numbers(precision: Iterable[float]) -> str:
    return "".join(f"  {value:8.3f}" for value in precision)

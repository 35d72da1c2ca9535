"""``cellpose-studio search``: parameters that give the best masks."""

from __future__ import annotations

import argparse
import csv
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.cli.arguments.options import above_0, add_threads
from cellpose_studio.cli.output.outcome import ALL_DONE
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.wording import cell_count, image_count
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.project.file import read_project
from cellpose_studio.paths import cache_dir

if TYPE_CHECKING:
    from cellpose_studio.workflows.evaluation.trials import SearchTable

_SHOWN = 10
_METRICS = ("ap", "ap50", "pq")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.description = (
        "Try thresholds on the corrected images of a project. Flows of their runs are "
        "used again; the network runs only where these are gone, and for diameters."
    )
    parser.add_argument("project", type=Path, metavar="FILE", help="a .cpstudio file")
    parser.add_argument(
        "--diameters",
        nargs="+",
        type=above_0("diameter in px"),
        default=[],
        metavar="PX",
        help="diameters to try as well; each is a run of the network on every image",
    )
    parser.add_argument(
        "--metric",
        choices=_METRICS,
        default="ap",
        help="what is made best: ap, the mean of IoU 0.5 to 0.95, ap50, or pq "
        "(default: ap)",
    )
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="write the scores of all trials"
    )
    add_threads(parser)
    parser.set_defaults(command=_search)


def _search(options: argparse.Namespace) -> int:
    # These import torch, which the help does not need.
    from cellpose_studio.engine.threads import use_threads
    from cellpose_studio.io.cache.flows import FlowCache
    from cellpose_studio.workflows.evaluation.corrected import corrected_images
    from cellpose_studio.workflows.evaluation.search import search, searchable
    from cellpose_studio.workflows.evaluation.trials import SearchTable, trials_around

    use_threads(options.threads)
    file = read_project(options.project)
    try:
        found = searchable(corrected_images(file))
        for line in filter(None, (*found.left_out, found.note)):
            print(f"cellpose-studio: {line}", file=sys.stderr)
        table = SearchTable(
            trials=trials_around(found.record.parameters, options.diameters),
            images=[one.image.name for one in found.images],
            metric=options.metric,
        )
        flows = FlowCache(cache_dir() / "flows")
        with Progress() as progress:
            search(found.images, table, flows, Checkpoint(progress.report))
    finally:
        file.close()
    _print(table)
    if options.csv:
        _write(options.csv, table)
        print(f"trials -> {options.csv.name}")
    return ALL_DONE


def _print(table: SearchTable) -> None:
    means, spreads = table.means(), table.spreads()
    cells = f"{image_count(len(table.images))}, {cell_count(sum(table.cells))}"
    print(f"{len(means)} trials on {cells}")
    print(f"{'cellprob':>8}  {'flow':>5}  {'min':>5}  {'diameter':>8}   mean  spread")
    rows = table.ranked()[:_SHOWN]
    for n in [*rows, *([0] if 0 not in rows else [])]:
        trial = table.trials[n]
        size = "as run" if trial.diameter is None else f"{trial.diameter:g}"
        spread = "-" if math.isnan(spreads[n]) else f"{spreads[n]:.3f}"
        present = "  now" if n == 0 else ""
        print(
            f"{trial.cellprob_threshold:8g}  {trial.flow_threshold:5g}  "
            f"{trial.min_size:5d}  {size:>8}  {means[n]:5.3f}  {spread:>6}"
            f"{present}"
        )
    if (validated := table.validated()) is not None:
        print(
            f"on images not used for the choice: {validated[0]:.3f} ± "
            f"{validated[1]:.3f} (now {means[0]:.3f})"
        )
    for warning in table.warnings():
        print(warning)
    options = " ".join(
        f"--{name.replace('_', '-')}={value:g}"
        for name, value in table.trials[table.best].values.items()
    )
    print(f"best: {options}")


def _write(path: Path, table: SearchTable) -> None:
    means, spreads = table.means(), table.spreads()
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = ["cellprob_threshold", "flow_threshold", "min_size", "diameter"]
        writer.writerow([*names, "mean", "spread", *table.images])
        for n, trial in enumerate(table.trials):
            values = [
                trial.cellprob_threshold,
                trial.flow_threshold,
                trial.min_size,
                trial.diameter or "",
            ]
            spread = "" if math.isnan(spreads[n]) else f"{spreads[n]:.6f}"
            scores = [f"{value:.6f}" for value in table.scores[n]]
            writer.writerow([*values, f"{means[n]:.6f}", spread, *scores])

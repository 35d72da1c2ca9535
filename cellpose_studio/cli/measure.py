"""``cellpose-studio measure``: one table of the cells of many images."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from cellpose_studio.cli.arguments.ask_axes import add_axes, asking_for_axes
from cellpose_studio.cli.arguments.compartments import (
    add_compartments,
    compartments_of,
)
from cellpose_studio.cli.arguments.experiment import (
    Experiment,
    add_experiment,
    preview,
)
from cellpose_studio.cli.arguments.folders import removed_if_empty, shown_name
from cellpose_studio.cli.arguments.options import above_0, add_threads
from cellpose_studio.cli.arguments.results import add_existing, add_out
from cellpose_studio.cli.arguments.tracks import Tracks, add_tracks
from cellpose_studio.cli.output.outcome import ALL_DONE, Outcome
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave, MasksUnreadable, ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice
from cellpose_studio.core.measure.compartments.matching import NucleiInCells
from cellpose_studio.core.measure.compartments.wording import match_text
from cellpose_studio.core.measure.definition import GROUPS
from cellpose_studio.core.wording import cell_count, counted, some
from cellpose_studio.io.masks.folders import masks_named
from cellpose_studio.io.project.database import SUFFIX
from cellpose_studio.io.project.file import read_project
from cellpose_studio.workflows.left_out import left_out
from cellpose_studio.workflows.measure.columns import WhatToMeasure, table_columns
from cellpose_studio.workflows.measure.files import items_of_file
from cellpose_studio.workflows.measure.items import ImageToMeasure, names_of
from cellpose_studio.workflows.measure.measure import computed_by, measure_image
from cellpose_studio.workflows.measure.project import items_of_project
from cellpose_studio.workflows.measure.tables import (
    KINDS,
    MeasurementTables,
    table_files,
)
from cellpose_studio.workflows.open import images_of
from cellpose_studio.workflows.warm_up import warm_up_measuring

_PATIENCE = 3.0
"""Seconds in which loops are loaded that were compiled before."""
_COMPILING = "Compiling measurements, once after an installation: up to 20 s …"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    # Images must come first: an option with several values would swallow them.
    parser.usage = "%(prog)s PATH... [options]"
    parser.epilog = (
        "Exit code 0: all images measured; 1: some failed, or columns of the "
        "experiment fit no image or several; 2: none measured; 130: stopped by "
        "Ctrl+C; 143: by SIGTERM."
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="image with masks beside it, folder of such images, or project",
    )
    add_out(
        parser,
        "folder for the tables (default: that of the first image or project)",
    )
    parser.add_argument(
        "--save",
        nargs="+",
        choices=KINDS,
        default=["csv"],
        metavar="KIND",
        help=f"tables of cells to write: {', '.join(KINDS)} (default: csv)",
    )
    add_existing(
        parser, "replace tables that exist", "do nothing if there are tables already"
    )
    parser.add_argument(
        "--groups",
        nargs="+",
        choices=GROUPS,
        default=list(GROUPS),
        metavar="GROUP",
        help=f"groups of measurements: {', '.join(GROUPS)} (default: all)",
    )
    parser.add_argument(
        "--masks",
        metavar="NAME",
        help="masks of images with several, such as cp_masks (default: true masks, "
        "else seg, else cp_masks; those shown in a project)",
    )
    add_compartments(parser)
    parser.add_argument(
        "--channels",
        nargs="+",
        type=_channel,
        metavar="N",
        help="channels to measure intensities in: 1 is the first (default: all)",
    )
    parser.add_argument(
        "--pixel-size",
        type=above_0("size in µm"),
        metavar="UM",
        help="size of a pixel in µm, in place of what the files say",
    )
    parser.add_argument(
        "--z-step",
        type=above_0("size in µm"),
        metavar="UM",
        help="distance of planes in µm, in place of what the files say",
    )
    add_axes(parser)
    add_experiment(parser)
    add_tracks(parser)
    add_threads(parser)
    parser.set_defaults(command=_measure)


def _measure(options: argparse.Namespace) -> int:
    with removed_if_empty(options.out):
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    experiment = Experiment(options)
    compartments = compartments_of(options)
    folder = options.out or _folder_of(options.paths[0])
    if not options.preview and _are_there(folder, options):
        return ALL_DONE
    what = WhatToMeasure(
        groups=options.groups,
        channels=options.channels and [n - 1 for n in options.channels],
        pixel_um=options.pixel_size,
        step_um=options.z_step,
    )
    cores = os.cpu_count() or 1
    outcome = Outcome()
    matches: list[NucleiInCells] = []
    try:
        with ExitStack() as open_files, Progress() as progress:
            items = list(_items(options, compartments, outcome, progress, open_files))
            names = names_of(items)
            of_experiment = experiment.rows_of(items, names)
            rows = of_experiment.rows
            for line in (*of_experiment.notes, *_without_um(items, what, options)):
                progress.print_line(line)
            for problem in of_experiment.problems:
                outcome.add_problem(problem)
            if options.preview:
                if items:
                    print(preview(names, rows))
                outcome.done = len(items)
                return outcome.exit_code
            columns = table_columns(items, what, rows)
            for line in columns.notes:
                progress.print_line(line)
            tables = MeasurementTables(folder, options.save, columns, computed_by())
            tracks = Tracks(options)
            _compile(progress)
            with tables:
                for item, name, row in zip(items, names, rows, strict=True):
                    measured = None
                    with outcome.collect_failures(name):
                        _check_channels(item.image, options.channels or ())
                        checkpoint = _checkpoint(progress, name)
                        found, notes, mothers = measure_image(
                            item, what, checkpoint, options.threads or cores
                        )
                        measured = tables.rows_of(item, name, row, found)
                    if measured is None:
                        continue
                    # What cannot be written ends the command: no other image could be.
                    tables.add(measured)
                    tracks.add(item, name, found, mothers, row)
                    outcome.done += 1
                    cells = cell_count(len(found))
                    progress.print_line(f"{name}: {cells} ({item.masks})")
                    matches += [found.nuclei] if found.nuclei is not None else []
                    for note in notes:
                        progress.print_line(f"{name}: {note}")
            if matches:
                progress.print_line(match_text(matches))
            if outcome.done:
                files = ", ".join(file.name for file in tables.files)
                progress.print_line(f"{counted(outcome.done, 'image')} -> {files}")
                if line := tracks.write(folder):
                    progress.print_line(line)
    finally:
        # After Ctrl+C, too, the user learns what failed before.
        outcome.print_failures()
    return outcome.exit_code


def _compile(progress: Progress) -> None:
    """Compile the loops of measurements, or load what was compiled before."""
    timer = threading.Timer(_PATIENCE, progress.print_line, (_COMPILING,))
    timer.daemon = True
    timer.start()
    try:
        warm_up_measuring(Checkpoint())
    finally:
        timer.cancel()


def _items(
    options: argparse.Namespace,
    compartments: CompartmentChoice | None,
    outcome: Outcome,
    progress: Progress,
    open_files: ExitStack,
) -> Iterator[ImageToMeasure]:
    """Yield the images of all paths, each of them once.

    What is left out of a folder is printed.
    """
    seen: set[str] = set()
    for path in options.paths:
        found: list[ImageToMeasure] = []
        with outcome.collect_failures(path):
            if path.suffix == SUFFIX:
                file = read_project(path)
                open_files.callback(file.close)
                items = items_of_project(file, options.masks, compartments)
                found = _of_project(items, path)
            else:
                entries = images_of(path)
                # Masks that are asked for by name are not left out.
                named = [options.masks, compartments and compartments.nuclei]
                used = [
                    masks
                    for entry in entries
                    for name in filter(None, named)
                    if (masks := masks_named(entry.image, name)) is not None
                ]
                if left := left_out([path, *used], entries):
                    progress.print_line(f"{shown_name(path)}: {left.text}")
                for entry in entries:
                    with outcome.collect_failures(entry.image), asking_for_axes():
                        found += items_of_file(
                            entry, options.axes, options.masks, compartments
                        )
        for item in found:
            if item.image.key not in seen:
                seen.add(item.image.key)
                yield item


def _check_channels(image: ImageSource, numbers: Sequence[int]) -> None:
    """Raise `ParametersUnfit` if the image does not have one of the channels."""
    missing = [str(number) for number in numbers if number > image.channels]
    if missing:
        raise ParametersUnfit(
            f"There is no channel {' or '.join(missing)} in {image.name}, which has "
            f"{counted(image.channels, 'channel')}.",
            "Give other numbers with --channels.",
        )


def _of_project(items: list[ImageToMeasure], path: Path) -> list[ImageToMeasure]:
    if not items:
        raise MasksUnreadable(
            f"No image of {path.name} has such masks.",
            "Run a model or draw cells there, or give the name of other masks.",
        )
    return items


def _folder_of(path: Path) -> Path:
    return path if path.is_dir() and path.suffix != ".zarr" else path.parent


def _are_there(folder: Path, options: argparse.Namespace) -> bool:
    """Return whether there is nothing to do, because tables exist.

    Raises
    ------
    CannotSave
        If they must not be replaced.
    """
    # A table of the other kind would no longer belong to the summary.
    wanted = [*table_files(folder, KINDS), *Tracks(options).files(folder)]
    there = [file for file in wanted if file.exists()]
    if not there or options.overwrite:
        return False
    if not options.skip_existing:
        raise CannotSave(
            f"{there[0]} exists already.",
            "Add --overwrite to replace the tables, or --skip-existing to do nothing "
            "then.",
        )
    print(f"{there[0].name} exists, nothing to do")
    return True


def _without_um(
    items: Sequence[ImageToMeasure], what: WhatToMeasure, options: argparse.Namespace
) -> Iterator[str]:
    """Yield lines about the size that is missing where the user gave the other one."""
    if options.pixel_size is None and options.z_step is None:
        return
    unknown = [item.image for item in items if what.scale(item).um is None]
    if options.pixel_size is None:
        option, short = "--pixel-size", [image.name for image in unknown]
    else:
        option, short = "--z-step", [i.name for i in unknown if i.planes > 1]
    if short:
        images = counted(len(short), "image")
        yield f"No columns in µm for {images} without {option}: {some(short)}"


def _checkpoint(progress: Progress, name: str) -> Checkpoint:
    return Checkpoint(
        lambda done, total, what: progress.report(done, total, f"{name}: {what}")
    )


def _channel(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a channel: give 1, 2 …")
    return int(text)

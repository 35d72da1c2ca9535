"""``cellpose-studio segment``: run a model on images and save the masks."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.cli.arguments.ask_axes import asking_for_axes
from cellpose_studio.cli.arguments.folders import removed_if_empty, shown_name
from cellpose_studio.cli.arguments.options import add_fields, add_threads, build_model
from cellpose_studio.cli.arguments.region import add_region, build_region
from cellpose_studio.cli.arguments.spellings import add_spellings, automatic_at_zero
from cellpose_studio.cli.arguments.unused import unused
from cellpose_studio.cli.outcome import Outcome
from cellpose_studio.cli.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave, ImageUnreadable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.gc_tuning import freeze_gc, gc_paused
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.export import unfit
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.io.masks.export_target import (
    IfExists,
    existing_of_many,
    exists_already,
)
from cellpose_studio.paths import real_path, split_name

if TYPE_CHECKING:
    from cellpose_studio.workflows.batches.batch import Batch

# Channels have an option of their own, which also takes the word none. Each field of
# the normalization has one, too.
_OWN = frozenset({"channels", "normalization", "region"})

_SMALLEST_BLOCK = 16


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    # Images must come first: an option with several values would swallow them.
    parser.usage = "%(prog)s IMAGE... [options]"
    parser.epilog = (
        "Exit code 0: all images done; 1: some failed, or some of their files; 2: "
        "none done; 130: stopped by Ctrl+C; 143: by SIGTERM."
    )
    parser.add_argument(
        "images",
        nargs="*",
        type=Path,
        metavar="IMAGE",
        help="image file, or folder of images",
    )
    parser.add_argument(
        "--model", help="name or weight file (default: the shipped one)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: that of each image)",
    )
    parser.add_argument(
        "--save",
        nargs="+",
        choices=FORMATS,
        default=["tif"],
        metavar="KIND",
        help=f"files to write: {', '.join(FORMATS)} (default: tif)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--overwrite", action="store_true", help="replace result files that exist"
    )
    existing.add_argument(
        "--skip-existing",
        action="store_true",
        help="leave images out that have result files",
    )
    parser.add_argument("--axes", help="axes of files that lack them: ZYX, TYX, CYX …")
    parser.add_argument(
        "--scene",
        metavar="NAME",
        help="image of a file with several (default: all of them)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda:0, mps")
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16"),
        help="precision of the network (default: the fastest that the device supports "
        "natively)",
    )
    add_threads(parser)
    parser.add_argument(
        "--engine",
        choices=("whole-tiles", "shared-tiles", "fused-attention", "openvino"),
        help="how these threads run the tiles of an image: each its own ones, or all "
        "of them each tile, a Transformer also with its attention in one step, or a "
        "U-Net by OpenVINO, if that is installed (default: what suits the network; "
        "earlier versions shared)",
    )
    parser.add_argument(
        "--block-size",
        type=_block_size,
        metavar="PX",
        help="run images in blocks of this side: the same result with less memory; "
        "a run that was stopped goes on (default: only where an image is large)",
    )
    parser.add_argument(
        "--channels",
        nargs="+",
        type=_channel,
        metavar="N",
        help="channel for each input of the network: 1 is the first, 0 the mean of "
        "all, none nothing",
    )
    add_fields(
        parser,
        SegmentationParameters,
        leave_out=_OWN,
        types={"diameter": automatic_at_zero(float), "niter": automatic_at_zero(int)},
    )
    add_fields(parser, Normalization)
    add_region(parser)
    add_spellings(parser)
    parser.set_defaults(command=_segment, more_images=[], more_kinds=[], parser=parser)


def _segment(options: argparse.Namespace) -> int:
    with removed_if_empty(options.out):
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    _take_up_spellings(options)
    normalization = build_model(Normalization, options)
    parameters = build_model(
        SegmentationParameters,
        options,
        normalization=normalization,
        region=build_region(options),
    )
    # These import torch, which the help does not need.
    is_first = "torch" not in sys.modules
    with gc_paused():
        from cellpose_studio.engine.threads import use_threads
        from cellpose_studio.workflows.batches.batch import Batch

        # A second run in a process must not keep what the first has left.
        if is_first:
            freeze_gc()

    use_threads(options.threads)
    batch = Batch(
        options.model,
        parameters,
        options.device,
        options.save,
        options.out,
        options.precision,
        _if_exists(options),
        options.engine,
        options.block_size,
    )
    outcome = Outcome()
    try:
        with Progress() as progress:
            if batch.model.card_problem:
                progress.print_line(batch.model.card_problem)
            with gc_paused():
                files = _files(options, outcome, progress)
                _refuse_existing(files, options)
            for n, file in enumerate(files, start=1):
                place = f"{n} of {len(files)}, " if len(files) > 1 else ""
                _one_file(batch, file, options, place, progress, outcome)
    finally:
        # After Ctrl+C, too, the user learns what failed before.
        outcome.print_failures()
    return outcome.exit_code


def _take_up_spellings(options: argparse.Namespace) -> None:
    options.images = [*options.images, *options.more_images]
    if not options.images:
        options.parser.error("the following arguments are required: IMAGE")
    options.save = options.more_kinds or options.save


def _if_exists(options: argparse.Namespace) -> IfExists:
    if options.overwrite:
        return "replace"
    return "skip" if options.skip_existing else "refuse"


def _refuse_existing(files: Sequence[Path], options: argparse.Namespace) -> None:
    """Raise `CannotSave` before the first run if results of any image exist.

    Those of the scenes of a file are found when it is opened, and refused then.
    """
    if _if_exists(options) != "refuse":
        return
    # Texts, because paths are slow to make for thousands of files.
    bases = (
        os.path.join(options.out or folder, split_name(name)[0])  # noqa: PTH118
        for folder, name in map(os.path.split, files)
    )
    if found := existing_of_many(bases, options.save):
        raise exists_already(found)


def _files(
    options: argparse.Namespace, outcome: Outcome, progress: Progress
) -> list[Path]:
    """Return the images that the paths refer to, each of them once.

    What is left out of a folder is printed.
    """
    from cellpose_studio.workflows.left_out import left_out
    from cellpose_studio.workflows.open import images_of

    found: dict[tuple[str, str], Path] = {}
    real_folder, links = cache(os.path.realpath), cache(_links_in)
    for path in options.images:
        with outcome.collect_failures(path):
            entries = images_of(path)
            if left := left_out([path, _results_in(path, options.out)], entries):
                progress.print_line(f"{shown_name(path)}: {left.text}")
            for entry in entries:
                image = entry.image
                folder, name = os.path.split(image)
                # Of thousands of files in one folder, only links are followed.
                links_here = links(folder)
                if links_here is None or name in links_here:
                    folder, name = os.path.split(real_path(image))
                found.setdefault((real_folder(folder), name), image)
    return list(found.values())


def _links_in(folder: str) -> frozenset[str] | None:
    """Return the names of links in a folder; None if it cannot be listed."""
    try:
        with os.scandir(folder or ".") as entries:
            return frozenset(entry.name for entry in entries if entry.is_symlink())
    except OSError:
        return None


def _results_in(folder: Path, out: Path | None) -> Path:
    """Return the folder of the results as one of ``folder``, or else that itself."""
    inside = out is not None and real_path(out.parent) == real_path(folder)
    return folder / out.name if out is not None and inside else folder


def _one_file(
    batch: Batch,
    path: Path,
    options: argparse.Namespace,
    place: str,
    progress: Progress,
    outcome: Outcome,
) -> None:
    """Segment every scene of a file, or the requested one."""
    images: list[ImageSource] = []
    with outcome.collect_failures(path):
        with asking_for_axes():
            opened = open_images(path, options.axes)
        # Every scene gets its name, so that one alone is called as with the others.
        for image in opened:
            batch.base(image)
        images = _chosen(path, opened, options.scene)
    for image in images:
        # Names of scenes may hold a slash, as those of microscopes do.
        with outcome.collect_failures(path.parent / image.name):
            for note in (*image.notes, *unused(options, image)):
                progress.print_line(f"{image.name}: {note}")
            if why := batch.reason_whole(image):
                progress.print_line(f"{image.name}: --block-size was not used: {why}.")
            reasons = _one_image(batch, image, place, progress)
            outcome.done += 1
            if reasons:
                raise unfit(reasons)


def _chosen(
    path: Path, images: list[ImageSource], scene: str | None
) -> list[ImageSource]:
    if scene is None:
        return images
    chosen = [image for image in images if image.scene == scene]
    if not chosen:
        names = ", ".join(image.scene for image in images if image.scene)
        raise ImageUnreadable(
            f"{path.name} contains no image called {scene}.",
            f"It contains {names}." if names else "It contains one image only.",
        )
    return chosen


def _one_image(
    batch: Batch, image: ImageSource, place: str, progress: Progress
) -> list[CannotSave]:
    """Segment an image; return why some of its files were not written."""

    def report(done: int, total: int, what: str) -> None:
        progress.report(done, total, f"{place}{image.name}: {what}")

    done = batch.run(image, Checkpoint(report))
    if done is None:
        progress.print_line(f"{image.name}: left out, its results exist")
        return []
    result, saved = done
    cells = len(result.confidence.ids)
    unit = "cell" if cells == 1 else "cells"
    written = ", ".join(file.name for file in saved.files) or "nothing to save"
    uncertain = int(result.confidence.uncertain.sum())
    look = f" ({uncertain} uncertain)" if uncertain else ""
    diameter = f"diameter {result.parameters.diameter:g} px"
    progress.print_line(
        f"{image.name}: {cells} {unit}{look}, {diameter}, {result.seconds:.1f} s -> "
        f"{written}"
    )
    if blocks := result.blocks:
        progress.print_line(
            f"{image.name}: {blocks.count} blocks, of which {blocks.skipped} showed "
            "nothing and were left out"
        )
    for note in (*result.notes, *filter(None, [result.hint])):
        progress.print_line(f"{image.name}: {note}")
    return saved.reasons


def _block_size(text: str) -> int:
    if not text.isdecimal() or int(text) < _SMALLEST_BLOCK:
        raise argparse.ArgumentTypeError(
            f"{text} is no size of blocks: give {_SMALLEST_BLOCK} or more"
        )
    return int(text)


def _channel(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text} is not a channel: give 0, 1, 2 … or none"
        )
    return int(text)

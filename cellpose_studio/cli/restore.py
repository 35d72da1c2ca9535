"""``cellpose-studio restore``: restore images by a network, and save them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.cli.arguments.ask_axes import add_axes
from cellpose_studio.cli.arguments.folders import removed_if_empty
from cellpose_studio.cli.arguments.image_files import image_files, scenes_of
from cellpose_studio.cli.arguments.options import (
    add_device,
    add_fields,
    add_threads,
    build_model,
)
from cellpose_studio.cli.arguments.results import add_existing, add_out, if_exists
from cellpose_studio.cli.output.outcome import Outcome
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import Normalization
from cellpose_studio.core.runs.restoration import RestorationParameters

if TYPE_CHECKING:
    from cellpose_studio.workflows.batches.restore import RestorationBatch

_DEFAULT = "denoise_cyto3"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    # Images must come first: an option with several values would swallow them.
    parser.usage = "%(prog)s IMAGE... [options]"
    parser.epilog = (
        "Each image becomes NAME_restored.ome.tif, 32-bit, 0 and 1 at the percentiles. "
        "Exit code 0: all images done; 1: some failed; 2: none done."
    )
    parser.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help="image file, or folder of images",
    )
    parser.add_argument(
        "--model",
        default=_DEFAULT,
        help="name or weight file of a network that restores images (default: "
        f"{_DEFAULT}; models --available lists them)",
    )
    parser.add_argument(
        "--channels",
        nargs="+",
        type=int,
        metavar="N",
        help="channels to restore; 1 is the first (default: all)",
    )
    parser.add_argument(
        "--nuclei",
        type=int,
        metavar="N",
        help="channel of nuclei beside cells, whose diameter is that of the cells",
    )
    parser.add_argument(
        "--nuclei-model",
        metavar="MODEL",
        help="network for the channel of nuclei (default: that of the others)",
    )
    add_out(parser)
    add_existing(parser)
    add_axes(parser)
    add_device(parser)
    add_threads(parser)
    add_fields(parser, RestorationParameters, leave_out=frozenset({"normalization"}))
    add_fields(parser, Normalization)
    parser.set_defaults(command=_restore, parser=parser)


def _restore(options: argparse.Namespace) -> int:
    with removed_if_empty(options.out):
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    normalization = build_model(Normalization, options)
    parameters = build_model(
        RestorationParameters, options, normalization=normalization
    )
    if options.nuclei_model and not options.nuclei:
        options.parser.error("--nuclei-model needs the channel of nuclei: --nuclei")
    # These import torch, which the help does not need.
    from cellpose_studio.engine.threads import use_threads
    from cellpose_studio.workflows.batches.restore import RestorationBatch, is_restored

    use_threads(options.threads)
    batch = RestorationBatch(
        options.model,
        parameters,
        options.device,
        options.out,
        options.channels,
        options.nuclei,
        options.nuclei_model,
        if_exists(options),
    )
    outcome = Outcome()
    try:
        with Progress() as progress:
            files = image_files(options, outcome, progress)
            for file in files:
                if is_restored(file) and len(files) > 1:
                    progress.print_line(f"{file.name}: left out, it is a restored one")
                else:
                    _one_file(batch, file, options.axes, progress, outcome)
    finally:
        # After Ctrl+C, too, the user learns what failed before.
        outcome.print_failures()
    return outcome.exit_code


def _one_file(
    batch: RestorationBatch,
    file: Path,
    axes: str | None,
    progress: Progress,
    outcome: Outcome,
) -> None:
    """Restore every scene of a file."""
    images: list[ImageSource] = []
    with outcome.collect_failures(file):
        # Every scene gets its name before the first one is written.
        images = scenes_of(file, axes, batch.path)
    for image in images:
        with outcome.collect_failures(file.parent / image.name):
            found = batch.run(image, Checkpoint(progress.report))
            path = batch.path(image)
            outcome.done += 1
            if found is None:
                progress.print_line(f"{image.name}: left out, {path} exists")
                continue
            for note in (*image.notes, *found.notes):
                progress.print_line(f"{image.name}: {note}")
            progress.print_line(f"{image.name}: {path}, {found.seconds:.1f} s")

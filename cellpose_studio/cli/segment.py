"""``cellpose-studio segment``: run a model on images and save the masks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.cli.arguments.ask_axes import add_axes
from cellpose_studio.cli.arguments.cluster import add_cluster, cluster_of
from cellpose_studio.cli.arguments.folders import removed_if_empty
from cellpose_studio.cli.arguments.image_files import (
    image_files,
    refuse_existing,
    scenes_of,
)
from cellpose_studio.cli.arguments.options import (
    add_device,
    add_fields,
    add_threads,
    build_model,
)
from cellpose_studio.cli.arguments.region import add_region, build_region
from cellpose_studio.cli.arguments.results import add_existing, add_out, if_exists
from cellpose_studio.cli.arguments.spellings import add_spellings, automatic_at_zero
from cellpose_studio.cli.arguments.unused import unused
from cellpose_studio.cli.output.outcome import Outcome
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ImageUnreadable, StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.preparation.step import PreparationStep
from cellpose_studio.core.runs.preparation.steps import from_text
from cellpose_studio.core.wording import counted
from cellpose_studio.gc_tuning import freeze_gc, gc_paused
from cellpose_studio.io.masks.export import unfit
from cellpose_studio.io.masks.export_formats import FORMATS

if TYPE_CHECKING:
    from cellpose_studio.workflows.batches.batch import Batch
    from cellpose_studio.workflows.batches.summary import RunSummary
    from cellpose_studio.workflows.blocks.cluster.whole_images import SpreadImages

# Channels have an option of their own, which also takes the word none. Each field of
# the normalization has one, too.
_OWN = frozenset({"channels", "normalization", "preparation", "region"})

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
    add_out(parser)
    parser.add_argument(
        "--save",
        nargs="+",
        choices=FORMATS,
        default=["tif"],
        metavar="KIND",
        help=f"files to write: {', '.join(FORMATS)} (default: tif)",
    )
    add_existing(parser)
    add_axes(parser)
    parser.add_argument(
        "--scene",
        metavar="NAME",
        help="image of a file with several (default: all of them)",
    )
    add_device(parser)
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
        "a run that was stopped goes on; 0 runs them as a whole (default: in blocks "
        "only where an image is large, or a cluster shares them)",
    )
    parser.add_argument(
        "--channels",
        nargs="+",
        type=_channel,
        metavar="N",
        help="channel for each input of the network: 1 is the first, 0 the mean of "
        "all, none nothing",
    )
    parser.add_argument(
        "--prepare",
        action="append",
        type=_step,
        default=[],
        metavar="STEP",
        help="what is done with the image before the network sees it: "
        "merge:channels=1+2,how=maximum; background:method=rolling-ball,radius=50; "
        "stain:stain=haematoxylin; restore:model=denoise_cyto3,diameter=30. Several "
        "are done in their order. A channel that a step adds follows those of the "
        "image, and is what the network sees unless --channels says otherwise",
    )
    add_fields(
        parser,
        SegmentationParameters,
        leave_out=_OWN,
        types={"diameter": automatic_at_zero(float), "niter": automatic_at_zero(int)},
    )
    add_fields(parser, Normalization)
    add_region(parser)
    add_cluster(parser)
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
        preparation=tuple(options.prepare),
        region=build_region(options),
    )
    # These import torch, which the help does not need.
    is_first = "torch" not in sys.modules
    with gc_paused():
        import cellpose_studio.workflows.batches.batch  # noqa: F401
        from cellpose_studio.engine.threads import use_threads

        # A second run in a process must not keep what the first has left.
        if is_first:
            freeze_gc()

    use_threads(options.threads)
    outcome = Outcome()
    try:
        with Progress() as progress, _batch(options, parameters, progress) as batch:
            if batch.model.card_problem:
                progress.print_line(batch.model.card_problem)
            with gc_paused():
                files = image_files(options, outcome, progress)
                refuse_existing(files, options)
            with batch.spreading() as spread:
                for n, file in enumerate(files, start=1):
                    place = f"{n} of {len(files)}, " if len(files) > 1 else ""
                    _one_file(batch, file, options, place, progress, outcome, spread)
                if spread is not None:
                    _finish(spread, progress, outcome)
    finally:
        # After Ctrl+C, too, the user learns what failed before.
        outcome.print_failures()
    return outcome.exit_code


@contextmanager
def _batch(
    options: argparse.Namespace, parameters: SegmentationParameters, progress: Progress
) -> Iterator[Batch]:
    """Yield what runs images, here or on a cluster."""
    from cellpose_studio.workflows.batches.batch import Batch

    with cluster_of(options, Checkpoint(progress.report)) as cluster:
        for line in cluster.report.lines if cluster else ():
            progress.print_line(line)
        yield Batch(
            options.model,
            parameters,
            options.device,
            options.save,
            options.out,
            options.precision,
            if_exists(options),
            options.engine,
            options.block_size,
            cluster,
            options.take_over,
        )


def _take_up_spellings(options: argparse.Namespace) -> None:
    options.images = [*options.images, *options.more_images]
    if not options.images:
        options.parser.error("the following arguments are required: IMAGE")
    options.save = options.more_kinds or options.save


def _one_file(
    batch: Batch,
    path: Path,
    options: argparse.Namespace,
    place: str,
    progress: Progress,
    outcome: Outcome,
    spread: SpreadImages | None,
) -> None:
    """Segment every scene of a file, or the requested one, unless a worker does."""
    images: list[ImageSource] = []
    with outcome.collect_failures(path):
        # Every scene gets its name, so that one alone is called as with the others.
        scenes = scenes_of(path, options.axes, batch.base)
        images = _chosen(path, scenes, options.scene)
    for image in images:
        # Names of scenes may hold a slash, as those of microscopes do.
        with outcome.collect_failures(path.parent / image.name):
            for note in (*image.notes, *unused(options, image)):
                progress.print_line(f"{image.name}: {note}")
            if why := batch.reason_whole(image):
                progress.print_line(f"{image.name}: --block-size was not used: {why}.")
            if spread is None or not batch.spread(image, spread):
                found = _one_image(batch, image, place, progress)
                _end(image, found, place, progress, outcome)


def _finish(spread: SpreadImages, progress: Progress, outcome: Outcome) -> None:
    """Wait for the images that workers run."""
    if not spread.count:
        return
    for image, found in spread.done(Checkpoint(progress.report)):
        with outcome.collect_failures(image.path.parent / image.name):
            if isinstance(found, StudioError):
                raise found
            _end(image, found, "", progress, outcome)


def _end(
    image: ImageSource,
    found: RunSummary | None,
    place: str,
    progress: Progress,
    outcome: Outcome,
) -> None:
    """Print what was done; raise `CannotSave` if some files were not written."""
    if found is None:
        progress.print_line(f"{place}{image.name}: left out, its results exist")
    else:
        _print_summary(image, found, place, progress)
    outcome.done += 1
    if found is not None and found.reasons:
        raise unfit([*found.reasons])


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
) -> RunSummary | None:
    """Segment an image; None if it is left out, as its results exist."""

    def report(done: int, total: int, what: str) -> None:
        progress.report(done, total, f"{place}{image.name}: {what}")

    progress.begin(f"{place}{image.name}")
    return batch.run(image, Checkpoint(report))


def _print_summary(
    image: ImageSource, found: RunSummary, place: str, progress: Progress
) -> None:
    cells = counted(found.cells, "cell")
    written = ", ".join(found.files) or "nothing to save"
    look = f" ({found.uncertain} uncertain)" if found.uncertain else ""
    progress.print_line(
        f"{place}{image.name}: {cells}{look}, diameter {found.diameter:g} px, "
        f"{found.seconds:.1f} s -> {written}"
    )
    if blocks := found.blocks:
        progress.print_line(
            f"{image.name}: {blocks.count} blocks, of which {blocks.skipped} showed "
            "nothing and were left out"
        )
    for note in filter(None, (*found.notes, found.hint.in_command_line())):
        progress.print_line(f"{image.name}: {note}")


def _block_size(text: str) -> int:
    if not text.isdecimal() or 0 < int(text) < _SMALLEST_BLOCK:
        raise argparse.ArgumentTypeError(
            f"{text} is no size of blocks: give {_SMALLEST_BLOCK} or more, or 0 for "
            "whole images"
        )
    return int(text)


def _step(text: str) -> PreparationStep:
    try:
        step: PreparationStep = from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return step


def _channel(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text} is not a channel: give 0, 1, 2 … or none"
        )
    return int(text)

"""``cellpose-studio segment``: run a model on images and save the masks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellpose_studio.cli.options import add_fields, values_of
from cellpose_studio.cli.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ParametersUnfit, StudioError
from cellpose_studio.core.image import ImageSource
from cellpose_studio.core.parameters import Normalization, SegmentationParameters

if TYPE_CHECKING:
    from cellpose_studio.cli.options import Commands
    from cellpose_studio.workflows.batch import Batch

ALL_DONE, SOME_FAILED, ALL_FAILED = 0, 1, 2
"""Exit codes."""

FILES = ("tif", "png", "npy", "rois", "outlines")
_OWN = frozenset({"channels", "normalization"})


def add(commands: Commands) -> None:
    """Add this command to ``commands``."""
    parser = commands.add_parser(
        "segment",
        help="segment images and save the masks",
        epilog="Exit code 0: all images done; 1: some failed; 2: none done.",
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE",
                        help="image file, or folder of images")  # fmt: skip
    parser.add_argument("--model", help="name or weight file (default: the shipped one)")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="folder for the results (default: beside each image)")  # fmt: skip
    parser.add_argument("--save", nargs="+", choices=FILES, default=["tif"],
                        metavar="KIND", help=f"files to write: {', '.join(FILES)}")  # fmt: skip
    parser.add_argument("--axes", help="axes of files that do not say: ZYX, TYX, CYX …")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda:0, mps")
    parser.add_argument("--threads", type=int, help="processor threads (default: all)")
    parser.add_argument("--channels", nargs="+", type=_channel, metavar="N",
                        help="channel for each input of the network: 1 is the first, 0 "
                        "the mean of all, none nothing")  # fmt: skip
    add_fields(parser, SegmentationParameters, leave_out=_OWN)
    add_fields(parser, Normalization)
    parser.set_defaults(command=_segment)


def _segment(options: argparse.Namespace) -> int:
    # Imports torch, which the help can do without.
    from cellpose_studio.engine.threads import use_threads
    from cellpose_studio.workflows.batch import Batch

    use_threads(options.threads)
    batch = Batch(
        options.model, _parameters(options), options.device, options.save, options.out
    )
    failures: list[str] = []
    done = 0
    with Progress() as progress:
        for path in _files(options.images):
            try:
                done += _one_file(batch, path, options.axes, progress, failures)
            except StudioError as error:
                failures.append(f"{path}: {error}")
    _summary(done, failures)
    return ALL_DONE if not failures else SOME_FAILED if done else ALL_FAILED


def _one_file(
    batch: Batch, path: Path, axes: str | None, progress: Progress, failures: list[str]
) -> int:
    """Segment every scene of a file; return how many were done."""
    from cellpose_studio.io.images import open_images

    done = 0
    for image in open_images(path, axes):
        try:
            _one_image(batch, image, progress)
        except StudioError as error:
            failures.append(f"{image.name}: {error}")
        else:
            done += 1
    return done


def _one_image(batch: Batch, image: ImageSource, progress: Progress) -> None:
    def report(done: int, total: int, what: str) -> None:
        progress.report(done, total, f"{image.name}: {what}")

    result, files = batch.run(image, Checkpoint(report))
    cells = int(result.labels.max(initial=0))
    unit = "cell" if cells == 1 else "cells"
    progress.say(
        f"{image.name}: {cells} {unit}, diameter {result.flows.diameter:g} px, "
        f"{result.seconds:.1f} s -> {', '.join(file.name for file in files)}"
    )
    for note in result.notes:
        progress.say(f"{image.name}: {note}")


def _files(paths: list[Path]) -> Iterator[Path]:
    """Yield the images among ``paths``, those of folders in their natural order."""
    from cellpose_studio.io.folders import scan
    from cellpose_studio.io.images import is_image_path

    for path in paths:
        if path.is_dir() and not is_image_path(path):
            yield from (entry.image for entry in scan(path))
        else:
            yield path


def _parameters(options: argparse.Namespace) -> SegmentationParameters:
    from pydantic import ValidationError

    values: dict[str, Any] = values_of(options, SegmentationParameters)
    try:
        values["normalization"] = Normalization(**values_of(options, Normalization))
        return SegmentationParameters(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = "-".join(str(part) for part in first["loc"]) or "parameters"
        raise ParametersUnfit(f"--{name.replace('_', '-')}: {first['msg']}.") from error


def _channel(text: str) -> int | None:
    return None if text.lower() == "none" else int(text)


def _summary(done: int, failures: list[str]) -> None:
    if not failures:
        return
    print(f"{done} done, {len(failures)} failed:", file=sys.stderr)
    for failure in failures:
        print(f"  {failure}", file=sys.stderr)

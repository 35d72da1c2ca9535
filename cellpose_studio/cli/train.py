"""``cellpose-studio train``: a model from folders of images and masks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.cli.options import add_fields, values_of
from cellpose_studio.cli.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.training import EpochReport, TrainingParameters

if TYPE_CHECKING:
    from cellpose_studio.cli.options import Commands


def add(commands: Commands) -> None:
    """Add this command to ``commands``."""
    parser = commands.add_parser(
        "train", help="train a small U-Net from scratch on images with masks"
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, help="weight file to write")
    parser.add_argument(
        "--split",
        type=Path,
        metavar="CSV",
        help="table with the columns file and split: rows of 'train' are trained on, "
        "rows of 'validation' measured, others left alone (default: train on all)",
    )
    parser.add_argument("--threads", type=int, help="processor threads (default: all)")
    add_fields(parser, TrainingParameters)
    parser.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> int:
    # Imports torch, which the other commands' help can do without.
    from cellpose_studio.engine.threads import use_threads
    from cellpose_studio.workflows.train import train_on_folders

    use_threads(options.threads)
    parameters = TrainingParameters(**values_of(options, TrainingParameters))
    with Progress() as progress:

        def report(epoch: EpochReport) -> None:
            if epoch.validation_loss is not None:
                progress.say(
                    f"epoch {epoch.epoch:4d}  loss {epoch.train_loss:.4f}  "
                    f"validation {epoch.validation_loss:.4f}"
                )

        trained, measured = train_on_folders(
            options.folders,
            options.out,
            parameters,
            Checkpoint(progress.report),
            report,
            options.split,
        )
    print(f"Trained on {trained} images, measured on {measured}: {options.out}")
    return 0

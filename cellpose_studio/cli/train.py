"""``cellpose-studio train``: train a model on folders of images and masks."""

from __future__ import annotations

import argparse
from pathlib import Path

from cellpose_studio.cli.arguments.options import add_fields, add_threads, build_model
from cellpose_studio.cli.outcome import ALL_DONE
from cellpose_studio.cli.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.training import EpochReport, TrainingParameters
from cellpose_studio.core.wording import image_count

_REPORT_EVERY = 10  # epochs; the validation is measured as often


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    # Folders must come first: an option with several values would swallow them.
    parser.usage = "%(prog)s FOLDER... --out FILE [options]"
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="folder of images and their masks: a.tif and a_masks.tif",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="weight file to write"
    )
    parser.add_argument(
        "--split",
        type=Path,
        metavar="CSV",
        help="table with the columns file and split: rows of 'train' are used for "
        "training, rows of 'validation' for validation, others are ignored (default: "
        "train on all)",
    )
    parser.add_argument(
        "--whole",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="folders of which all images are used for training, despite the table",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue an interrupted training, with the same result",
    )
    add_threads(parser)
    add_fields(parser, TrainingParameters)
    parser.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> int:
    parameters = build_model(TrainingParameters, options)
    # These import torch, which the help of other commands does not need.
    from cellpose_studio.engine.threads import use_threads
    from cellpose_studio.workflows.training.train import train_on_folders

    use_threads(options.threads)
    with Progress() as progress:

        def report(epoch: EpochReport) -> None:
            if epoch.epoch % _REPORT_EVERY == 0 or epoch.epoch == epoch.n_epochs:
                progress.print_line(_line(epoch))

        trained, measured = train_on_folders(
            options.folders,
            options.out,
            parameters,
            Checkpoint(progress.report),
            report,
            options.split,
            options.whole,
            options.resume,
            progress.print_line,
        )
    images = image_count(trained)
    print(f"Trained on {images}, measured on {measured}: {options.out}")
    return ALL_DONE


def _line(epoch: EpochReport) -> str:
    line = f"epoch {epoch.epoch:4d}  loss {epoch.train_loss:.4f}"
    if epoch.validation_loss is None:
        return line
    return f"{line}  validation {epoch.validation_loss:.4f}"

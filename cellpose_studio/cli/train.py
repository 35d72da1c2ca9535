"""``cellpose-studio train``: a model from folders of images and masks."""

from __future__ import annotations

import argparse
from pathlib import Path

from cellpose_studio.cli.options import add_fields, add_threads, made
from cellpose_studio.cli.outcome import ALL_DONE
from cellpose_studio.cli.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.training import EpochReport, TrainingParameters

_REPORT_EVERY = 10  # epochs; the validation is measured as often


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.usage = "%(prog)s FOLDER... --out FILE [options]"
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="folder of images and, beside each, its masks: a.tif and a_masks.tif",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="weight file to write"
    )
    parser.add_argument(
        "--split",
        type=Path,
        metavar="CSV",
        help="table with the columns file and split: rows of 'train' are trained on, "
        "rows of 'validation' measured, others left alone (default: train on all)",
    )
    parser.add_argument(
        "--whole",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="folders to train on whole, whatever the table says of them",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a training that was broken off, with the same result",
    )
    add_threads(parser)
    add_fields(parser, TrainingParameters)
    parser.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> int:
    parameters = made(TrainingParameters, options)
    # Imports torch, which the other commands' help can do without.
    from cellpose_studio.engine.threads import use_threads
    from cellpose_studio.workflows.train import train_on_folders

    use_threads(options.threads)
    with Progress() as progress:

        def report(epoch: EpochReport) -> None:
            if epoch.epoch % _REPORT_EVERY == 0 or epoch.epoch == epoch.n_epochs:
                progress.say(_line(epoch))

        trained, measured = train_on_folders(
            options.folders,
            options.out,
            parameters,
            Checkpoint(progress.report),
            report,
            options.split,
            options.whole,
            options.resume,
        )
    print(f"Trained on {trained} images, measured on {measured}: {options.out}")
    return ALL_DONE


def _line(epoch: EpochReport) -> str:
    line = f"epoch {epoch.epoch:4d}  loss {epoch.train_loss:.4f}"
    if epoch.validation_loss is None:
        return line
    return f"{line}  validation {epoch.validation_loss:.4f}"

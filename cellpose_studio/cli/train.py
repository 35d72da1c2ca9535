"""``cellpose-studio train``: train a model on a project, or on folders of images."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from cellpose_studio.cli.arguments.options import add_fields, add_threads, build_model
from cellpose_studio.cli.output.outcome import ALL_DONE
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.training import (
    EpochReport,
    Layers,
    TrainingParameters,
    finetuning,
)
from cellpose_studio.core.models.training_memory import gpu_bytes, memory_text
from cellpose_studio.core.wording import image_count
from cellpose_studio.io.project.database import SUFFIX
from cellpose_studio.paths import real_path, trained_folder

if TYPE_CHECKING:
    from cellpose_studio.core.models.model import ModelSpec
    from cellpose_studio.engine.device import Device
    from cellpose_studio.workflows.training.train_model import TrainedModel

_REPORT_EVERY = 10  # epochs


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    # Folders must come first: an option with several values would swallow them.
    parser.usage = "%(prog)s PROJECT|FOLDER... --out FILE [options]"
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="PROJECT|FOLDER",
        help="project, whose images that are marked for training are used; or folders "
        "of images and their masks: a.tif and a_masks.tif",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="weight file to write"
    )
    parser.add_argument(
        "--model",
        metavar="NAME|FILE",
        help="model to train further; then the defaults are those for few images: "
        "60 epochs at a rate of 0.0005, with frozen batch normalisation; what is kept "
        "is the mean of this model and the best of the last third of the epochs "
        "(default: a small U-Net from scratch)",
    )
    parser.add_argument(
        "--device",
        default="cpu",
        metavar="NAME",
        help="cpu, cuda, mps, or auto for the fastest (default: cpu)",
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
    layers = TrainingParameters.model_fields["layers"].description
    parser.add_argument(
        "--layers", choices=get_args(Layers), help=f"{layers} (default: all)"
    )
    add_fields(parser, TrainingParameters, leave_out=frozenset({"layers"}))
    parser.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> int:
    # Before torch is imported, which takes seconds.
    parameters = build_model(TrainingParameters, options)
    from cellpose_studio.engine.device import device_named
    from cellpose_studio.engine.networks.catalogue import find
    from cellpose_studio.engine.threads import use_threads

    parent = find(options.model) if options.model else None
    if parent is not None:
        parameters = _for_few_images(options, parent)
    use_threads(options.threads)
    device = device_named(options.device)
    with Progress() as progress:
        if parent is not None and device.memory and not _is_unet(parent):
            needed = gpu_bytes(parent.path.stat().st_size, parameters)
            progress.print_line(memory_text(needed, device.memory))

        def report(epoch: EpochReport) -> None:
            now_and_then = epoch.epoch % _REPORT_EVERY == 0
            known = epoch.validation_ap is not None
            if known or now_and_then or epoch.epoch == epoch.n_epochs:
                progress.print_line(_line(epoch))

        checkpoint = Checkpoint(progress.report)
        if [path.suffix for path in options.folders] == [SUFFIX]:
            model = _train_on_project(
                options, parameters, parent, device, progress, checkpoint, report
            )
        else:
            from cellpose_studio.workflows.training.train import train_on_folders

            model = train_on_folders(
                options.folders,
                options.out,
                parameters,
                checkpoint,
                report,
                options.split,
                options.whole,
                options.resume,
                progress.print_line,
                parent,
                device,
            )
    _print_result(model, options.out)
    return ALL_DONE


def _train_on_project(
    options: argparse.Namespace,
    parameters: TrainingParameters,
    parent: ModelSpec | None,
    device: Device,
    progress: Progress,
    checkpoint: Checkpoint,
    report: Callable[[EpochReport], None],
) -> TrainedModel:
    from cellpose_studio.workflows.training.project_set import pairs_of_project
    from cellpose_studio.workflows.training.request_file import (
        TrainingRequest,
        list_training,
    )
    from cellpose_studio.workflows.training.train_model import (
        ModelRequest,
        train_model,
    )

    project, out = (real_path(path) for path in (options.folders[0], options.out))
    request = ModelRequest(
        pairs=pairs_of_project(project, checkpoint),
        out=out,
        parameters=parameters,
        parent=parent,
        device=device,
        resume=options.resume,
        title=out.name,
        tell=progress.print_line,
    )
    model = train_model(request, checkpoint, report)
    asked = TrainingRequest(
        out=out,
        title=out.name,
        project=project,
        parent=parent,
        parameters=parameters,
        device=device.name,
    )
    if not list_training(asked, model.spec, trained_folder()):
        progress.print_line(
            f"{project.name} cannot be written to, as when a window has it open. The "
            "training is listed when it is opened in a window next."
        )
    return model


def _is_unet(model: ModelSpec) -> bool:
    return model.architecture_info.scales_images


def _for_few_images(
    options: argparse.Namespace, parent: ModelSpec
) -> TrainingParameters:
    """Return the options that were given, over the defaults for training further."""
    defaults = finetuning(parent.architecture_info)
    fields = TrainingParameters.model_fields
    given = {n: v for n, v in vars(options).items() if n in fields and v is not None}
    return build_model(TrainingParameters, options, **{**dict(defaults), **given})


def _line(epoch: EpochReport) -> str:
    line = f"epoch {epoch.epoch:4d}"
    if epoch.epoch:
        line += f"  loss {epoch.train_loss:.4f}"
    if epoch.validation_loss is not None:
        line += f"  validation {epoch.validation_loss:.4f}"
    if epoch.validation_ap is not None:
        line += f"  AP {epoch.validation_ap:.3f}"
    return line


def _print_result(model: TrainedModel, out: Path) -> None:
    images = image_count(model.used)
    print(f"Trained on {images}, measured on {model.measured}: {out}")
    if model.comparison is not None:
        print(f"It is {model.comparison}.")

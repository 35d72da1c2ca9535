"""What ``cellpose-studio models`` does with the models that Cellpose has published."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cellpose_studio.cli.output.outcome import FAILED, Outcome
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.published import PublishedModel
from cellpose_studio.io.storage import room_text
from cellpose_studio.io.support.downloads.models import (
    CheckedFile,
    download,
    installed,
    published_model,
    published_models,
)
from cellpose_studio.io.support.downloads.models import check as check_files


def list_available() -> int:
    """Print all published models, the installed ones with a mark."""
    models = published_models()
    width = max(len(model.name) for model in models)
    for model in models:
        mark = "*" if installed(model) else " "
        size = room_text(model.size) if model.size else ""
        use = "non-commercial" if model.non_commercial else ""
        print(f"{mark} {model.name:{width}}  {size:>8}  {use:14}  {_about(model)}")
    print("* is installed. Sizes and hashes that nobody has published are left out.")
    return 0


def get(names: Sequence[str], accepted: bool) -> int:
    """Download published models, and print where they are.

    Parameters
    ----------
    accepted
        Whether the user agrees to non-commercial use.
    """
    models = [published_model(name) for name in names]
    outcome = Outcome()
    with Progress() as progress:
        for model in models:
            with outcome.collect_failures(model.name):
                _refuse_unasked(model, accepted)
                path = download(model, Checkpoint(progress.report))
                progress.print_line(f"{model.name}: {path}")
                outcome.done += 1
    outcome.print_failures()
    return outcome.exit_code


def check(names: Sequence[str]) -> int:
    """Print how the files of installed models compare with their hashes.

    Returns
    -------
    2 if one of them has changed.
    """
    models = [published_model(name) for name in names] or [
        model for model in published_models() if installed(model)
    ]
    checked: dict[str, CheckedFile] = {}
    with Progress() as progress:
        for model in models:
            for file in check_files(model, Checkpoint(progress.report)):
                checked[file.name] = file
    for file in checked.values():
        print(f"{file.name}: {file.verdict}\n  {file.path}\n  SHA-256 {file.sha256}")
    if not checked:
        print("No model of Cellpose is installed.")
    changed = [file.name for file in checked.values() if file.verdict == "changed"]
    if changed:
        print(
            f"cellpose-studio: {', '.join(changed)}: not the file that is known. "
            "Delete it and download it again.",
            file=sys.stderr,
        )
    return FAILED if changed else 0


def _about(model: PublishedModel) -> str:
    if model.refused:
        return f"{model.purpose} It {model.refused}"
    return model.purpose


def _refuse_unasked(model: PublishedModel, accepted: bool) -> None:
    if model.non_commercial and not accepted:
        raise ModelUnusable(
            model.licence, "Add --accept-licence if you agree, to download it."
        )
    print(f"{model.name}: {model.licence}", file=sys.stderr)

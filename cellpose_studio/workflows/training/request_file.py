"""The files of a training on a project; without torch, for the window.

Beside the weights, a request says what was asked for, so that a training can be resumed
after a restart. It stays until the project lists what came of it: whatever ends in
between, the training is found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cellpose_studio.core.errors import ModelUnusable, StudioError
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.project.file import open_project
from cellpose_studio.io.project.row_counts import last_ids
from cellpose_studio.io.project.tables.training.rounds import write_round
from cellpose_studio.io.project.writing import transaction
from cellpose_studio.paths import real_path

_REQUEST = ".training.json"


class TrainingRequest(BaseModel):
    """What is asked for.

    Attributes
    ----------
    out
        Weight file to write.
    title
        What the user calls the model.
    project
        File of the project whose training set is used.
    parent
        Model to train further, as its record; None starts from scratch.
    device
        Name of torch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Path
    title: str
    project: Path
    parent: ModelSpec | None
    parameters: TrainingParameters
    device: str = "cpu"

    @property
    def can_be_resumed(self) -> bool:
        """Whether there is a state to go on from."""
        return state_path(self.out).exists()

    def file_in(self, folder: Path) -> Path:
        """Return the file of this request in the folder of trainings."""
        return folder / f"{self.out.name}{_REQUEST}"


def write_request(request: TrainingRequest, folder: Path) -> None:
    """Write a request down; raises `CannotSave`."""
    with replacing(request.file_in(folder)) as part:
        part.write_text(request.model_dump_json(), encoding="utf-8")


def forget_request(request: TrainingRequest, folder: Path) -> None:
    """Delete a request: nothing is to be done about it any more."""
    with suppress(OSError):
        request.file_in(folder).unlink(missing_ok=True)


def requests_of(project: Path, folder: Path) -> Iterator[TrainingRequest]:
    """Yield the requests in a folder that are about a project."""
    for file in sorted(folder.glob(f"*{_REQUEST}")):
        with suppress(OSError, ValidationError, ValueError):
            text = file.read_text(encoding="utf-8")
            request = TrainingRequest.model_validate_json(text)
            if real_path(request.project) == real_path(project):
                yield request


def round_of(title: str, model: ModelSpec) -> TrainingRound | None:
    """Return a trained model as a project lists it; None if it has no card."""
    if model.card is None:
        return None
    return TrainingRound(
        name=title, path=str(model.path), sha256=model.sha256, card=model.card
    )


def unlisted_rounds(
    project: Path, folder: Path, listed: set[str]
) -> list[TrainingRound]:
    """Return the trainings on a project that have ended but are not listed there.

    Requests of those that are listed are deleted. It may import torch.

    Parameters
    ----------
    listed
        Paths of the weights of those that are.
    """
    found = []
    for request in requests_of(project, folder):
        if request.can_be_resumed or not request.out.is_file():
            continue
        if str(request.out) in listed:
            forget_request(request, folder)
            continue
        from cellpose_studio.engine.networks.catalogue import from_file

        with suppress(ModelUnusable):
            model = from_file(request.out)
            record = round_of(request.title, model)
            # A file of that name may have been there before the training was refused.
            if record is not None and model.title == request.title:
                found.append(record)
    return found


def list_training(request: TrainingRequest, model: ModelSpec, folder: Path) -> bool:
    """List a training in its project; return whether it is there already.

    While a window has the project open, the request is left in ``folder`` instead, and
    the window lists the training when it opens the project next.

    Raises
    ------
    CannotSave
    """
    record = round_of(request.title, model)
    if record is not None:
        with suppress(StudioError, OSError, sqlite3.Error):
            file = open_project(request.project)
            try:
                if not file.read_only_reason:
                    number = last_ids(file.db)["training_round"] + 1
                    with transaction(file) as db:
                        write_round(db, number, record)
                    return True
            finally:
                file.close()
    folder.mkdir(parents=True, exist_ok=True)
    write_request(request, folder)
    return False


def state_path(out: Path) -> Path:
    """Return the file from which a training that was interrupted is resumed."""
    return out.with_name(f"{out.name}.resume")


def free_model_path(folder: Path, name: str) -> Path:
    """Return a path in ``folder`` where no model is: name, name-2 and so on."""
    number, path = 1, folder / name
    while path.exists() or state_path(path).exists():
        number += 1
        path = folder / f"{name}-{number}"
    return path

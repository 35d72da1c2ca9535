"""Where a trained model is written to, its card and its state beside it."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.engine.networks.model_card import card_path, card_text
from cellpose_studio.engine.training.state import (
    TrainingIdentity,
    TrainingState,
    load_state,
    save_state,
)
from cellpose_studio.io.atomic import replacing
from cellpose_studio.paths import can_write_in, real_path
from cellpose_studio.workflows.training.request_file import free_model_path, state_path

_COPIES = 8
"""Sizes of the weights that a training needs on the disk: state, best epoch, model."""
_SMALL_MODEL = 1 << 24
_LATER = ("parent_share", "best_of_last")
"""Parameters of later versions than the first, which are off by default."""
STYLE_OFF = "style_off"
"""What the name of a network without its style contains."""


def refuse_unwritable(out: Path, parent: ModelSpec | None) -> None:
    """Raise `CannotSave` if a model could not be written there, or would be replaced.

    Training takes long, so what would prevent saving is found out before.
    """
    if out.is_dir():
        raise CannotSave(f"{out} is a folder.", "Give the name of a weight file.")
    if not out.parent.is_dir():
        raise CannotSave(f"There is no folder {out.parent}.", "Choose another one.")
    # A training that was ended while it wrote its files has a state still.
    if out.exists() and not state_path(out).exists():
        free = free_model_path(out.parent, out.name).name
        raise CannotSave(
            f"There is a model {out.name} already, which is never overwritten.",
            f"Choose another name, such as {free}.",
        )
    if not can_write_in(out.parent):
        raise CannotSave(
            f"The folder {real_path(out.parent)} cannot be written to.",
            "Choose another one.",
        )
    size = parent.path.stat().st_size if parent is not None else _SMALL_MODEL
    needed, free_bytes = _COPIES * size, shutil.disk_usage(out.parent).free
    if free_bytes < needed:
        raise CannotSave(
            f"The disk of {real_path(out.parent)} has {free_bytes >> 20} MB left; this "
            f"training needs {needed >> 20} MB.",
            "Free some space, or choose another folder.",
        )
    style_off = parent is not None and parent.architecture == "unet-style-off"
    if style_off and STYLE_OFF not in out.name:
        raise CannotSave(
            f"The name of a model without its style vector contains {STYLE_OFF}, by "
            "which Cellpose recognises it.",
            f"Call it {out.name}_{STYLE_OFF}.",
        )


def write_card(model: ModelSpec, weights: Path) -> None:
    """Write the card of a model beside its weights; raises `CannotSave`."""
    with replacing(card_path(weights)) as part:
        part.write_text(card_text(model), encoding="utf-8")


class StateFile:
    """The file from which an interrupted training is resumed.

    ``tell`` gets a sentence if it cannot be written: the training goes on.
    ``checkpoint`` knows how long it was paused.
    """

    def __init__(
        self,
        out: Path,
        training: TrainingIdentity,
        resume: bool,
        tell: Callable[[str], None],
        checkpoint: Checkpoint,
    ) -> None:
        self.path = state_path(out)
        self._checkpoint = checkpoint
        self._training = training
        self._tell = tell
        self._begun = time.monotonic()
        self.start: TrainingState | None = None
        if resume and self.path.is_file():
            self.start, seconds = load_state(self.path, training)
            # An earlier beginning accounts for the time before the interruption.
            self._begun -= seconds

    @property
    def seconds(self) -> float:
        """Duration of the training, without interruptions and pauses."""
        return time.monotonic() - self._begun - self._checkpoint.waited

    def keep(self, state: TrainingState) -> None:
        """Write the state; the one before is there until it is complete."""
        try:
            with replacing(self.path) as part:
                save_state(state, self._training, self.seconds, part)
        except CannotSave as error:
            self._tell(f"{error.message} The training goes on. {error.hint}")


def training_identity(
    pairs: Sequence[TrainingPair],
    parameters: TrainingParameters,
    parent: ModelSpec | None,
) -> TrainingIdentity:
    """Return what tells a training from others: images, parameters and parent."""
    # Others would not continue the same training, which a parameter of later versions
    # leaves what it was where it is off.
    off = {
        name
        for name in _LATER
        if getattr(parameters, name) == TrainingParameters.model_fields[name].default
    }
    digest = hashlib.sha256(parameters.model_dump_json(exclude=off).encode())
    digest.update(parent.sha256.encode() if parent is not None else b"")
    for pair in pairs:
        digest.update(f"{pair.role}/{pair.identity};".encode())
    images = {pair.name: f"{pair.role}/{pair.identity}" for pair in pairs}
    return TrainingIdentity(training=digest.hexdigest(), images=images)

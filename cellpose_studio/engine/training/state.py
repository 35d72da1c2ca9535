"""Training state, from which an interrupted training is resumed."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.training import EpochReport
from cellpose_studio.core.wording import some

Weights = Mapping[str, torch.Tensor]
Curve = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingState:
    """A network between two epochs.

    Attributes
    ----------
    epochs
        Number of finished epochs.
    weights, optimizer
        Copies of the state dict and of `AdamW.state`, which further training does not
        modify.
    best_weights, best_epoch
        Those with the highest score on the validation images; None and 0 without any.
    best_score
        As of `Validation.score`; NaN without any.
    aps
        AP at IoU 0.5 of each validation image, before the training and at its best
        epoch; empty without any.
    curve
        By epoch: its number, the losses of training and validation, the AP and the
        score; NaN where one was not measured. Earlier versions noted no score.
    """

    epochs: int
    weights: Weights
    optimizer: Mapping[int, Mapping[str, torch.Tensor]]
    best_weights: Weights | None = None
    best_epoch: int = 0
    best_score: float = math.nan
    aps: tuple[tuple[float, ...], ...] = ()
    curve: Curve = ()

    def reports(self, n_epochs: int) -> Iterator[EpochReport]:
        """Yield the epochs of the curve as they were reported, without samples."""
        for epoch, train, validation, ap, *_ in self.curve:
            yield EpochReport(
                epoch=int(epoch),
                n_epochs=n_epochs,
                train_loss=train,
                validation_loss=None if math.isnan(validation) else validation,
                validation_ap=None if math.isnan(ap) else ap,
                best=self.best_epoch if 0 < self.best_epoch <= epoch else None,
                past=True,
            )


def copied(net: torch.nn.Module) -> Weights:
    """Return a copy of the weights of a network, which takes no memory of a GPU."""
    weights = net.state_dict().items()
    return {name: one.detach().to("cpu", copy=True) for name, one in weights}


@dataclass(frozen=True, kw_only=True)
class TrainingIdentity:
    """What a training is, to be compared with what it was before an interruption.

    Attributes
    ----------
    training
        Hash of images, parameters and the model that it started from.
    images
        By name, a hash of the pixels, the masks and the role of each image.
    """

    training: str
    images: Mapping[str, str] = field(default_factory=dict)


def save_state(
    state: TrainingState, identity: TrainingIdentity, seconds: float, path: Path
) -> None:
    """Write ``state`` of a training, and the time that it has taken so far."""
    known = {"training": identity.training, "images": dict(identity.images)}
    # Given a path, torch would not report a full disk.
    content = io.BytesIO()
    torch.save({**known, "seconds": seconds, **vars(state)}, content)
    path.write_bytes(content.getbuffer())


def load_state(path: Path, identity: TrainingIdentity) -> tuple[TrainingState, float]:
    """Return the state in ``path`` and the seconds that it took.

    Raises
    ------
    TrainingSetUnfit
        If it cannot be read, or comes from other images or parameters.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, seconds = content.pop("training"), content.pop("seconds")
        # Earlier versions did not write it down.
        images = content.pop("images", None)
        state = TrainingState(**content)
    # A damaged archive can make torch raise any exception.
    except Exception as error:
        raise TrainingSetUnfit(
            f"{path.name} is damaged, so the training cannot be resumed.",
            "Delete it to start again.",
        ) from error
    if found != identity.training:
        differences = f"{_differences(images, identity.images)}Take that back to go on"
        raise TrainingSetUnfit(
            f"{path.name} belongs to a training on other images or with other "
            "parameters.",
            f"{differences}, or discard the training to start again.",
            f"{differences}, or delete the file to start again.",
        )
    return state, seconds


def _differences(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    """Return in which images two trainings differ, as sentences for a hint."""
    if before is None:
        return ""
    both = before.keys() & now.keys()
    groups = {
        "No longer in the set": before.keys() - now.keys(),
        "Not in the set then": now.keys() - before.keys(),
        "Other masks, pixels or roles": {n for n in both if before[n] != now[n]},
    }
    return "".join(
        f"{text}: {some(sorted(names))}. " for text, names in groups.items() if names
    )

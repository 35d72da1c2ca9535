"""Training state, from which an interrupted training is resumed."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.engine.networks.unet import UNet


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A network between two epochs.

    Attributes
    ----------
    epochs
        Number of finished epochs.
    weights, optimizer
        Copies of the state dicts, which further training does not modify.
    """

    epochs: int
    weights: Mapping[str, torch.Tensor]
    optimizer: Mapping[str, Any]

    @classmethod
    def of(
        cls, epochs: int, net: UNet, optimizer: torch.optim.Optimizer
    ) -> TrainingState:
        """Return the state of ``net`` and ``optimizer``."""
        weights = copy.deepcopy(net.state_dict())
        return cls(epochs, weights, copy.deepcopy(optimizer.state_dict()))

    def network(self, widths: Sequence[int]) -> UNet:
        """Return the network of this state, in evaluation mode."""
        net = UNet(widths)
        # The memory format of training keeps the file of the weights identical.
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        net.load_state_dict(self.weights)
        return net.eval()

    def put_into(self, net: UNet, optimizer: torch.optim.Optimizer) -> int:
        """Load the state into ``net`` and ``optimizer``; return the finished epochs."""
        net.load_state_dict(self.weights)
        optimizer.load_state_dict(copy.deepcopy(dict(self.optimizer)))
        return self.epochs


def save_state(state: TrainingState, training: str, seconds: float, path: Path) -> None:
    """Write ``state`` of the training identified by ``training``.

    ``seconds`` is the time it has taken so far.
    """
    # Given a path, torch would not report a full disk.
    content = io.BytesIO()
    torch.save({"training": training, "seconds": seconds, **vars(state)}, content)
    path.write_bytes(content.getbuffer())


def load_state(path: Path, training: str) -> tuple[TrainingState, float]:
    """Return the state in ``path`` and the seconds that it took.

    Raises
    ------
    TrainingSetUnfit
        If it cannot be read, or comes from other images or parameters.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, seconds = content.pop("training"), content.pop("seconds")
        state = TrainingState(**content)
    # A damaged archive can make torch raise any exception.
    except Exception as error:
        raise TrainingSetUnfit(
            f"{path.name} is damaged, so the training cannot be resumed.",
            "Delete it to start again.",
        ) from error
    if found != training:
        raise TrainingSetUnfit(
            f"{path.name} belongs to a training on other images or with other "
            "parameters.",
            "Delete it to start again, or use the same images and parameters.",
        )
    return state, seconds

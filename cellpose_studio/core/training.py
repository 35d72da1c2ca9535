"""What training a model needs to know, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field


class TrainingParameters(BaseModel):
    """Everything that determines a trained model, beside the images.

    Names follow Cellpose's ``train_seg`` where it has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_epochs: int = Field(400, ge=1, description="times through the training set")
    learning_rate: float = Field(2e-3, gt=0, description="of AdamW, at its highest")
    weight_decay: float = Field(1e-5, ge=0, description="of AdamW")
    batch_size: int = Field(8, ge=1, description="crops per step")
    bsize: int = Field(224, ge=64, multiple_of=16, description="side of a crop, px")
    nimg_per_epoch: int | None = Field(
        None, ge=1, description="images per epoch; automatic is each of them once"
    )
    min_train_masks: int = Field(
        5, ge=0, description="images with fewer cells are left out"
    )
    scale_range: float = Field(
        0.5, ge=0, le=2, description="crops are scaled by 1 ± half of this"
    )
    diam_mean: float = Field(17.0, gt=0, description="cells are scaled to this, px")
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (2, 16, 32, 64, 128),
        min_length=2,
        description="channels of the input and of each level",
    )
    seed: int = Field(0, ge=0, description="sets the random numbers")


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """An image and its true masks.

    Attributes
    ----------
    name
        For messages and the model's card.
    pixels
        (C, Y, X) float32, normalised, one channel per input of the network.
    labels
        (Y, X) integer masks.
    """

    name: str
    pixels: npt.NDArray[np.float32]
    labels: npt.NDArray[np.integer]


@dataclass(frozen=True)
class EpochReport:
    """How training stands after an epoch; ``validation_loss`` when it was measured."""

    epoch: int
    n_epochs: int
    train_loss: float
    validation_loss: float | None

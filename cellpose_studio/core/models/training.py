"""What training a model needs to know, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from cellpose_studio.core.models.architecture import UNET, ArchitectureInfo
from cellpose_studio.core.models.model import MODEL_DIAMETERS

Layers = Literal["all", "last", "lora"]


class TrainingParameters(BaseModel):
    """Everything that determines a trained model, beside the images.

    Names follow Cellpose's ``train_seg`` where it has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_epochs: int = Field(
        400, ge=1, title="Epochs", description="times through the training set"
    )
    learning_rate: float = Field(2e-3, gt=0, description="of AdamW, at its highest")
    anneal: float = Field(
        0.0,
        ge=0,
        le=1,
        description="part of the epochs, the last ones, over which the learning rate "
        "falls to 0 along a cosine; 0 is as in Cellpose",
    )
    weight_decay: float = Field(1e-5, ge=0, description="of AdamW")
    batch_size: int = Field(8, ge=1, title="Batch", description="crops per step")
    bsize: int = Field(224, ge=64, multiple_of=16, description="side of a crop, px")
    nimg_per_epoch: int | None = Field(
        None,
        ge=1,
        title="Crops per epoch",
        description="images per epoch; automatic is each of them once",
        json_schema_extra={"automatic": 16},
    )
    min_train_masks: int = Field(
        5,
        ge=0,
        title="Fewest cells",
        description="images with fewer cells are left out",
    )
    scale_range: float = Field(
        0.5, ge=0, le=2, description="crops are scaled by 1 ± half of this"
    )
    zoom: float = Field(
        1.0,
        ge=1,
        le=4,
        description="crops are also enlarged or shrunk, up to this many times; most "
        "of them little",
    )
    shading: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how much contrast, gamma and the evenness of the light change",
    )
    blur: float = Field(
        0.0, ge=0, le=1, description="strongest blur, in diameters of the cells"
    )
    noise: float = Field(
        0.0, ge=0, le=1, description="strongest noise, in the contrast of the image"
    )
    invert: float = Field(
        0.0, ge=0, le=1, description="how often dark and bright are swapped"
    )
    mix_channels: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how often the channels are mixed at random, not averaged",
    )
    stains: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how much the dyes of stained images change, each for itself",
    )
    shares: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (),
        description="how often images of each folder are drawn, against each other; "
        "empty draws every image equally often",
    )
    diam_mean: float = Field(
        17.0,
        ge=MODEL_DIAMETERS[0],
        le=MODEL_DIAMETERS[1],
        description="cells are scaled to this, px",
    )
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (2, 16, 32, 64, 128),
        min_length=2,
        description="channels of the input and of each level",
    )
    seed: int = Field(0, ge=0, title="Seed", description="sets the random numbers")
    channel: int = Field(
        0,
        ge=0,
        title="Channel",
        description="channel of the images that the network sees; 0 is their mean",
    )
    layers: Layers = Field(
        "all",
        description="which weights are trained: all, the last layers (last), or small "
        "additions to a Transformer (lora), which take less memory",
    )
    freeze_norm: bool = Field(
        False,
        title="Freeze batch normalisation",
        description="keep the statistics of batch normalisation, which few images "
        "would spoil",
    )
    validate_every: int = Field(
        10,
        ge=1,
        title="Validate every",
        description="epochs between two measurements on the validation images; the "
        "state is saved as often",
    )
    best_of_last: float = Field(
        1.0,
        gt=0,
        le=1,
        description="part of the epochs, the last ones, of which the best is kept: "
        "one before is better by chance rather than because it has learned",
    )
    parent_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Share of the old model",
        description="how much of the model that the training starts from stays in the "
        "new one: higher, and it forgets less of what it knew and learns less from "
        "your images; 0 keeps nothing but what the training made of it",
        json_schema_extra={"step": 0.1},
    )
    patience: int = Field(
        0,
        ge=0,
        title="Patience",
        description="epochs without a better mean AP on the validation images after "
        "which the training ends, counted from the first one that can be kept; 0 is "
        "never",
    )

    @property
    def varies(self) -> bool:
        """Crops differ in more than place, turn and scale."""
        changes = self.shading, self.blur, self.noise, self.invert
        return any((*changes, self.mix_channels, self.stains))


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """An image and its true masks.

    Attributes
    ----------
    name
        For messages and the model's card.
    pixels
        (C, Y, X) float32, the channels as they are in the file; a constant may be
        subtracted, and what is no number is NaN or infinite. The network sees
        their mean, normalised, in its first input.
    labels
        (Y, X) integer masks.
    ignore
        (Y, X) true where nothing is known: neither the loss nor an evaluation counts
        these pixels. None if everything is annotated.
    share
        How often it is drawn, against the other images.
    """

    name: str
    pixels: npt.NDArray[np.float32]
    labels: npt.NDArray[np.integer]
    share: float = 1.0
    ignore: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ValidationSample:
    """What a network finds on a validation image, small enough to be shown.

    Attributes
    ----------
    grey
        (Y, X) uint8.
    found, true
        (Y, X) masks.
    """

    name: str
    grey: npt.NDArray[np.uint8]
    found: npt.NDArray[np.integer]
    true: npt.NDArray[np.integer]
    ap: float


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """How training stands after an epoch.

    Attributes
    ----------
    epoch
        From 1; 0 is the model before the training.
    train_loss
        NaN before the training.
    validation_loss, validation_ap
        On the validation images, AP at IoU 0.5; None where they were not measured.
    best
        The epoch that would be kept so far: the one with the highest mean AP at IoU
        0.5 to 0.9 of those that ``best_of_last`` allows, or of all before them; None
        where none was measured, and for epochs before an interruption that were not
        the best.
    past
        Whether it is from before an interruption; such come first when a training is
        resumed.
    """

    epoch: int
    n_epochs: int
    train_loss: float
    validation_loss: float | None = None
    validation_ap: float | None = None
    best: int | None = None
    samples: tuple[ValidationSample, ...] = ()
    past: bool = False


def finetuning(info: ArchitectureInfo = UNET) -> TrainingParameters:
    """Return the defaults for training an existing model on few images.

    A high rate or new statistics of its batch normalisation would make a model forget
    what it knows.
    """
    if not info.scales_images:
        # As in Cellpose 4, which trains one crop at a time.
        return TrainingParameters(
            n_epochs=60,
            learning_rate=5e-5,
            weight_decay=0.1,
            batch_size=1,
            bsize=info.tile,
            min_train_masks=1,
            layers="lora",
            validate_every=5,
            patience=30,
        )
    return TrainingParameters(
        n_epochs=60,
        learning_rate=5e-4,
        # Steps on few crops lead to and fro; small ones at the end let them settle.
        anneal=0.7,
        # Small batches give more steps in the same time.
        batch_size=4,
        bsize=192,
        nimg_per_epoch=16,
        min_train_masks=1,
        # As varied as what the shipped models have learned from: crops of few images
        # that vary less are learned by heart.
        scale_range=0.25,
        zoom=2.0,
        shading=0.6,
        blur=0.08,
        noise=0.2,
        invert=0.12,
        freeze_norm=True,
        best_of_last=0.34,
        parent_share=0.5,
        validate_every=5,
        patience=40,
    )

"""Training set: images with their flows, from which crops are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.training import TrainingImage, TrainingParameters
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.engine.training.augmentation import normalized_input, vary
from cellpose_studio.engine.training.image_cache import (
    ImageCache,
    PreparedImage,
    read_pair,
)
from cellpose_studio.engine.training.warp import (
    Placement,
    cut,
    cut_targets,
    random_placement,
)

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """Crops with their targets.

    Attributes
    ----------
    pixels
        (N, inputs, Y, X) float32.
    targets
        (N, 3, Y, X) float32: cell, dY, dX.
    counts
        (N, Y, X) float32, 0 where the loss counts nothing, else 1; None if it counts
        everything.
    """

    pixels: Tensor
    targets: Tensor
    counts: Tensor | None

    def part(self, crops: slice) -> Batch:
        """Return some of the crops."""
        counts = None if self.counts is None else self.counts[crops]
        return Batch(
            pixels=self.pixels[crops], targets=self.targets[crops], counts=counts
        )


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What is known of an image without keeping it.

    Attributes
    ----------
    diameter
        As of `diameter_of`; None without cells.
    cells, share
        As of `TrainingImage`.
    """

    diameter: float | None
    cells: int
    share: float


def survey(
    pairs: Sequence[TrainingPair], channel: int, checkpoint: Checkpoint
) -> list[ImageFacts]:
    """Read each image once, so that whatever is wrong with one is found out before.

    Raises
    ------
    ImageUnreadable, MasksUnreadable, TrainingSetUnfit, ParametersUnfit
    """
    facts = []
    for n, pair in enumerate(pairs):
        checkpoint.reached(n, len(pairs), "reading")
        image = read_pair(pair, channel)
        _refuse_without_numbers(image)
        cells = int(np.count_nonzero(np.unique(image.labels)))
        facts.append(
            ImageFacts(
                diameter=diameter_of(image.labels), cells=cells, share=image.share
            )
        )
    return facts


def _refuse_without_numbers(image: TrainingImage) -> None:
    """Raise `TrainingSetUnfit` if no pixel that counts is a number."""
    seen = np.asarray(np.isfinite(image.pixels).all(axis=0))
    if image.ignore is not None:
        seen = seen[~image.ignore]
    if seen.size and not seen.any():
        raise TrainingSetUnfit(
            f"No pixel of {image.name} is a number (NaN).",
            "Leave this image out, or save it again.",
        )


class TrainingCrops:
    """Augmented crops of images, with their flows.

    Parameters
    ----------
    images
        Read when a crop of them is drawn.
    facts
        Of each image.
    scale_to
        Diameter that cells are scaled to, px; None leaves them as they are.
    inputs
        Inputs of the network.
    vary
        Vary brightness, blur and noise of each crop according to the parameters.
        Otherwise crops differ in position, rotation and scale only.
    """

    def __init__(
        self,
        images: ImageCache,
        facts: Sequence[ImageFacts],
        parameters: TrainingParameters,
        *,
        scale_to: float | None,
        inputs: int,
        vary: bool,
    ) -> None:
        self._images = images
        self._facts = facts
        self._parameters = parameters
        self._vary = vary
        self._inputs = inputs
        self._scale_to = scale_to

    def __len__(self) -> int:
        return len(self._facts)

    def epoch(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return the images of one epoch, in random order."""
        everything = np.arange(len(self))
        shares = np.array([image.share for image in self._facts])
        wanted = self._parameters.nimg_per_epoch
        if len(set(shares)) > 1:
            chances = shares / shares.sum()
            drawn = rng.choice(everything, wanted or len(self), p=chances)
        elif wanted is None:
            drawn = everything
        elif wanted <= len(self):
            drawn = rng.choice(everything, wanted, replace=False)
        else:
            # A small set passes several times in an epoch.
            times, rest = divmod(wanted, len(self))
            more = rng.choice(everything, rest, replace=False)
            drawn = np.concatenate([np.tile(everything, times), more])
        return rng.permutation(drawn)

    def batch(self, chosen: Sequence[int], rng: np.random.Generator) -> Batch:
        """Return augmented crops of some images; may be called in any thread."""
        side = self._parameters.bsize
        pixels = np.zeros((len(chosen), self._inputs, side, side), np.float32)
        targets = np.empty((len(chosen), 3, side, side), np.float32)
        counts = np.ones((len(chosen), side, side), np.float32)
        for n, i in enumerate(chosen):
            image = self._images.get(i)
            grey = self._seen(i, image, rng)
            placement = random_placement(
                grey.shape, side, self._scale(i, rng), self._parameters.scale_range, rng
            )
            pixels[n, 0] = cut(grey[None], side, placement)[0]
            targets[n] = cut_targets(image.targets, side, placement)
            if image.ignore is not None:
                counts[n] = _counts(image.ignore, side, placement)
        return Batch(
            pixels=torch.from_numpy(pixels),
            targets=torch.from_numpy(targets),
            counts=None if counts.all() else torch.from_numpy(counts),
        )

    def _seen(
        self, i: int, image: PreparedImage, rng: np.random.Generator
    ) -> FloatArray:
        """Return (Y, X), the network input."""
        if not self._vary:
            return normalized_input(image.pixels)
        diameter = self._facts[i].diameter or self._parameters.diam_mean
        return vary(image.pixels, diameter, self._parameters, rng)

    def _scale(self, i: int, rng: np.random.Generator) -> float:
        """Return the magnification of a crop; at random, most often little."""
        zoom = float(self._parameters.zoom ** rng.triangular(-1, 0, 1))
        diameter = self._facts[i].diameter
        # An image without cells keeps its scale.
        if self._scale_to is None or diameter is None:
            return zoom
        return zoom * self._scale_to / diameter


def _counts(
    ignore: npt.NDArray[np.bool_], side: int, placement: Placement
) -> FloatArray:
    """Return 0 for each pixel of a crop that an ignored one has a part in, else 1."""
    found = cut(ignore[None].astype(np.float32), side, placement)[0]
    return (found == 0).astype(np.float32)


def with_inputs(grey: FloatArray, inputs: int) -> FloatArray:
    """Return (C, Y, X), ``grey`` (Y, X) as the first of ``inputs``, the rest empty."""
    seen = np.zeros((inputs, *grey.shape), np.float32)
    seen[0] = grey
    return seen


def diameter_of(labels: npt.NDArray[np.integer]) -> float | None:
    """Return the median diameter of the cells, px, as Cellpose defines it; at least 5.

    None if there are no cells.
    """
    from cellpose_studio.engine.cellpose_api import diameters

    return max(float(diameters(labels)[0]), 5.0) if labels.any() else None

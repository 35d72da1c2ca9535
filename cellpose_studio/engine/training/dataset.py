"""Training set: images with their flows, from which crops are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.labels import compact_labels
from cellpose_studio.core.models.training import TrainingImage, TrainingParameters
from cellpose_studio.engine.masks.mask_flows import flows_of_masks
from cellpose_studio.engine.training.augmentation import normalized_input, vary

FloatArray = npt.NDArray[np.float32]


class TrainingCrops:
    """Augmented crops of images, with their flows.

    Parameters
    ----------
    vary
        Vary brightness, blur and noise of each crop according to the parameters.
        Otherwise crops differ in position, rotation and scale only.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        parameters: TrainingParameters,
        checkpoint: Checkpoint,
        vary: bool,
    ) -> None:
        self._images = images
        self._parameters = parameters
        self._vary = vary
        self._plain: dict[int, FloatArray] = {}
        # An image without cells keeps its scale.
        self.diameters = [
            diameter_of(image.labels) or parameters.diam_mean for image in images
        ]
        self._targets = []
        for n, image in enumerate(images):
            checkpoint.reached(n, len(images), "computing flows")
            self._targets.append(targets_of(image.labels, checkpoint))

    def __len__(self) -> int:
        return len(self._images)

    def epoch(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return the images of one epoch, in random order."""
        everything = np.arange(len(self))
        shares = np.array([image.share for image in self._images])
        wanted = self._parameters.nimg_per_epoch
        if len(set(shares)) > 1:
            chances = shares / shares.sum()
            drawn = rng.choice(everything, wanted or len(self), p=chances)
        elif wanted is None:
            drawn = everything
        elif wanted <= len(self):
            drawn = rng.choice(everything, wanted, replace=False)
        else:
            more = rng.choice(everything, wanted - len(self))
            drawn = np.concatenate([everything, more])
        return rng.permutation(drawn)

    def crops(
        self, chosen: Sequence[int], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return augmented pixels (N, C, Y, X) and targets (N, 3, Y, X).

        They are rotated, flipped and scaled by Cellpose's own augmentation.
        """
        from cellpose_studio.engine.cellpose_api import random_rotate_and_resize

        parameters = self._parameters
        # Cellpose draws from NumPy's global generator, so that one is seeded.
        np.random.seed(rng.integers(2**32))  # noqa: NPY002
        pixels, targets, _ = random_rotate_and_resize(
            [self._seen(i, rng) for i in chosen],
            [self._targets[i] for i in chosen],
            scale_range=parameters.scale_range,
            bsize=parameters.bsize,
            rescale=[
                self.diameters[i] / parameters.diam_mean / self._zoom(rng)
                for i in chosen
            ],
        )
        return pixels, targets

    def _seen(self, i: int, rng: np.random.Generator) -> FloatArray:
        """Return (C, Y, X), the network input."""
        pixels = self._images[i].pixels
        if self._vary:
            grey = vary(pixels, self.diameters[i], self._parameters, rng)
        else:
            if i not in self._plain:
                self._plain[i] = normalized_input(pixels)
            grey = self._plain[i]
        return with_inputs(grey, self._parameters.widths[0])

    def _zoom(self, rng: np.random.Generator) -> float:
        """Return a random magnification of a crop: 1 most often, the limits never."""
        return float(self._parameters.zoom ** rng.triangular(-1, 0, 1))


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


def targets_of(labels: npt.NDArray[np.integer], checkpoint: Checkpoint) -> FloatArray:
    """Return (cell, dY, dX) of one label image, (3, Y, X)."""
    # The flows are made for every id up to the highest, so gaps would cost time.
    flows = flows_of_masks(compact_labels(labels)[0], checkpoint.check)
    return np.concatenate([labels[None] != 0, flows], dtype=np.float32)

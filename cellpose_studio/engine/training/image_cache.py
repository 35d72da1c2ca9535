"""Images of a training set, read when they are needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ParametersUnfit, TrainingSetUnfit
from cellpose_studio.core.masks.labels import compact_labels
from cellpose_studio.core.models.training import TrainingImage
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.engine.masks.mask_flows import flows_of_masks

FloatArray = npt.NDArray[np.float32]

MOST_BYTES = 1 << 30
"""Memory for images that will be needed again; the others are read again."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedImage:
    """An image with its targets.

    Attributes
    ----------
    pixels
        (C, Y, X) as in `TrainingImage`, of the channels that the network sees.
    targets
        (3, Y, X) cell, dY, dX.
    ignore
        (Y, X) True where the loss counts nothing; None if it counts everything.
    """

    pixels: FloatArray
    targets: FloatArray
    ignore: npt.NDArray[np.bool_] | None

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.pixels.nbytes + self.targets.nbytes + self.pixels[0].size


class ImageCache:
    """Reads images with their targets; keeps the last ones up to a number of bytes.

    `get` may be called in any thread; images are prepared one after another.
    """

    def __init__(
        self,
        pairs: Sequence[TrainingPair],
        channel: int,
        checkpoint: Checkpoint,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._pairs = pairs
        self._channel = channel
        self._check = checkpoint.check
        self._most_bytes = most_bytes
        self._kept: OrderedDict[int, PreparedImage] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, n: int) -> PreparedImage:
        """Return image ``n``.

        Raises
        ------
        ImageUnreadable, MasksUnreadable, TrainingSetUnfit
        """
        with self._lock:
            found = self._kept.pop(n, None)
            if found is None:
                found = prepared(read_pair(self._pairs[n], self._channel), self._check)
            self._kept[n] = found
            while self._bytes() > self._most_bytes and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return found

    def _bytes(self) -> int:
        return sum(image.nbytes for image in self._kept.values())


def read_pair(pair: TrainingPair, channel: int) -> TrainingImage:
    """Return the image of a pair, with the channels that the network sees.

    Raises
    ------
    ImageUnreadable, MasksUnreadable
    TrainingSetUnfit
        If it lacks the channel, or its masks have another size.
    """
    image = pair.read()
    shape = image.pixels.shape[1:]
    others = [part for part in (image.labels, image.ignore) if part is not None]
    for part in others:
        if part.shape != shape:
            raise TrainingSetUnfit(
                f"{pair.name} has the shape {shape}, but its masks have {part.shape}.",
                "Training takes single planes, with masks of the same size.",
            )
    if channel > len(image.pixels):
        raise ParametersUnfit(
            f"{pair.name} has no channel {channel}: it has {len(image.pixels)}.",
            "Train on another channel, or leave this image out.",
        )
    pixels = image.pixels[channel - 1 : channel] if channel else image.pixels
    return TrainingImage(image.name, pixels, image.labels, image.share, image.ignore)


def prepared(image: TrainingImage, check: Callable[[], None]) -> PreparedImage:
    """Return an image with its targets; what is ignored is no cell for them."""
    ignore = image.ignore if image.ignore is not None and image.ignore.any() else None
    return PreparedImage(
        pixels=image.pixels, targets=targets_of(image.labels, check), ignore=ignore
    )


def targets_of(
    labels: npt.NDArray[np.integer], check: Callable[[], None]
) -> FloatArray:
    """Return (cell, dY, dX) of one label image, (3, Y, X), computed cell by cell."""
    # The flows are made for every id up to the highest, so gaps would cost time.
    flows = flows_of_masks(compact_labels(labels)[0], check, per_cell=True)
    return np.concatenate([labels[None] != 0, flows], dtype=np.float32)

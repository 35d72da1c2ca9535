"""Train a U-Net from scratch, by Cellpose's conventions.

Targets are the flows of the true masks, crops are rotated, flipped and scaled by
Cellpose's own augmentation, the loss is half the squared error of five times the
flows plus the cross entropy of the cell probability, and the learning rate follows
`train_seg` of Cellpose 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.labels import compacted
from cellpose_studio.core.training import (
    EpochReport,
    TrainingImage,
    TrainingParameters,
)
from cellpose_studio.engine.device import cpu_computes_bfloat16
from cellpose_studio.engine.mask_flows import flows_of_masks
from cellpose_studio.engine.torchvision_ops import make_importable
from cellpose_studio.engine.unet import UNet

VALIDATE_EVERY = 10  # epochs

Report = Callable[[EpochReport], None]


def train(
    images: Sequence[TrainingImage],
    validation: Sequence[TrainingImage],
    parameters: TrainingParameters,
    checkpoint: Checkpoint,
    report: Report,
) -> UNet:
    """Return a network trained on ``images``, in evaluation mode.

    ``validation`` is only measured. The same arguments give the same weights on
    the same machine with the same number of threads.

    Raises
    ------
    TrainingSetUnfit
        If no image has ``min_train_masks`` cells.
    Cancelled
        At the next block of the network after a stop.
    """
    fit = [image for image in images if _cells(image) >= parameters.min_train_masks]
    if not fit:
        raise TrainingSetUnfit(
            f"None of the {len(images)} images has {parameters.min_train_masks} cells.",
            "Label more cells, or lower the number of cells that an image must have.",
        )
    torch.manual_seed(parameters.seed)
    rng = np.random.default_rng(parameters.seed)
    seen, unseen = (
        _Set(fit, parameters, checkpoint),
        _Set(validation, parameters, checkpoint),
    )
    net = _network(parameters, float(np.median(seen.diameters)))
    optimizer = torch.optim.AdamW(
        net.parameters(), weight_decay=parameters.weight_decay
    )
    rates = learning_rates(parameters.learning_rate, parameters.n_epochs)
    with _watched(net, checkpoint):
        for epoch, rate in enumerate(rates):
            for group in optimizer.param_groups:
                group["lr"] = rate
            order = rng.permutation(_epoch_of(len(fit), parameters.nimg_per_epoch, rng))
            losses = []
            for batch in _batches(order, parameters.batch_size):
                checkpoint.reached(epoch, parameters.n_epochs, "training")
                losses.append(_step(net, optimizer, *seen.crops(batch, rng)))
            measure = len(unseen) and (epoch + 1) % VALIDATE_EVERY == 0
            loss = _measure(net, unseen, parameters) if measure else None
            report(EpochReport(epoch + 1, len(rates), float(np.mean(losses)), loss))
    return net.eval()


def learning_rates(rate: float, n_epochs: int) -> npt.NDArray[np.float64]:
    """Return the learning rate of every epoch.

    It rises over ten epochs and halves ten times over the last 100 (over the
    last 50 of 100 to 300 epochs).
    """
    tail = 100 if n_epochs > 300 else 50 if n_epochs > 99 else 0
    rates = np.full(n_epochs, rate)
    rise = np.linspace(0, rate, 11)[1:]
    rates[:10] = rise[:n_epochs]
    if tail:
        rates[-tail:] = rate / 2.0 ** (1 + np.arange(tail) // (tail // 10))
    return rates


def _network(parameters: TrainingParameters, diam_labels: float) -> UNet:
    """Return a network with random weights."""
    net = UNet(parameters.widths)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net.diam_mean.data[:] = parameters.diam_mean
    net.diam_labels.data[:] = diam_labels
    return net


@contextmanager
def _watched(net: UNet, checkpoint: Checkpoint) -> Iterator[None]:
    """Check before each block, forth and back: a batch takes seconds."""

    def check(*_: Any) -> None:
        checkpoint.check()

    handles = [block.register_forward_pre_hook(check) for block in net.blocks]
    # On its way back the first block has no gradient to hand on, which torch warns of.
    back = net.blocks[1:]
    handles += [block.register_full_backward_pre_hook(check) for block in back]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Set:
    """Images with their flows and diameters, ready to be cropped."""

    def __init__(
        self,
        images: Sequence[TrainingImage],
        parameters: TrainingParameters,
        checkpoint: Checkpoint,
    ) -> None:
        make_importable()
        from cellpose.utils import diameters

        self._parameters = parameters
        self._pixels = [image.pixels for image in images]
        self.diameters = [max(float(diameters(i.labels)[0]), 5.0) for i in images]
        self._targets = []
        for n, image in enumerate(images):
            checkpoint.reached(n, len(images), "computing flows")
            self._targets.append(_targets(image.labels, checkpoint))

    def __len__(self) -> int:
        return len(self._pixels)

    def crops(
        self, chosen: Sequence[int], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return augmented pixels (N, C, Y, X) and targets (N, 3, Y, X)."""
        from cellpose.transforms import random_rotate_and_resize

        # Cellpose draws from NumPy's global generator.
        np.random.seed(rng.integers(2**32))  # noqa: NPY002
        pixels, targets, _ = random_rotate_and_resize(
            [self._pixels[i] for i in chosen],
            [self._targets[i] for i in chosen],
            scale_range=self._parameters.scale_range,
            bsize=self._parameters.bsize,
            rescale=[self.diameters[i] / self._parameters.diam_mean for i in chosen],
        )
        return pixels, targets


def _targets(
    labels: npt.NDArray[np.integer], checkpoint: Checkpoint
) -> npt.NDArray[np.float32]:
    """Return (cell, dY, dX) of one label image, (3, Y, X)."""
    flows = flows_of_masks(compacted(labels)[0], checkpoint.check)
    return np.concatenate([labels[None] != 0, flows], dtype=np.float32)


def _cells(image: TrainingImage) -> int:
    return int(np.count_nonzero(np.unique(image.labels)))


def _epoch_of(
    images: int, wanted: int | None, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    everything = np.arange(images)
    if wanted is None:
        return everything
    if wanted <= images:
        return rng.choice(everything, wanted, replace=False)
    return np.concatenate([everything, rng.choice(everything, wanted - images)])


def _batches(order: npt.NDArray[np.int64], size: int) -> list[list[int]]:
    return [order[k : k + size].tolist() for k in range(0, len(order), size)]


def _loss(net: UNet, pixels: Tensor, targets: Tensor) -> Tensor:
    pixels = pixels.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=cpu_computes_bfloat16()):
        outputs = net(pixels)[0]
    outputs = outputs.float()
    flows = functional.mse_loss(outputs[:, :2], 5 * targets[:, 1:]) / 2
    cell = (targets[:, 0] > 0.5).float()
    return flows + functional.binary_cross_entropy_with_logits(outputs[:, 2], cell)


def _step(
    net: UNet, optimizer: torch.optim.Optimizer, pixels: Tensor, targets: Tensor
) -> float:
    net.train()
    loss = _loss(net, pixels, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def _measure(net: UNet, unseen: _Set, parameters: TrainingParameters) -> float:
    """Return the loss on the same crops every time."""
    net.eval()
    rng = np.random.default_rng(42)
    batches = _batches(np.arange(len(unseen)), parameters.batch_size)
    with torch.no_grad():
        losses = [_loss(net, *unseen.crops(b, rng)).item() for b in batches]
    return float(np.mean(losses))

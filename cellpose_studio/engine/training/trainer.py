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
from cellpose_studio.core.models.training import (
    EpochReport,
    TrainingImage,
    TrainingParameters,
)
from cellpose_studio.engine.device import cpu_computes_bfloat16
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.training.dataset import TrainingCrops
from cellpose_studio.engine.training.state import TrainingState

VALIDATE_EVERY = 10  # epochs; the state is saved as often

Report = Callable[[EpochReport], None]


def train(
    images: Sequence[TrainingImage],
    validation: Sequence[TrainingImage],
    parameters: TrainingParameters,
    checkpoint: Checkpoint,
    report: Report,
    start: TrainingState | None = None,
    keep: Callable[[TrainingState], None] = lambda _: None,
) -> UNet:
    """Return a network trained on ``images``, in evaluation mode.

    ``validation`` is only evaluated. The same arguments give the same weights on
    the same machine with the same number of threads, also if the training was
    interrupted and resumed from ``start``, the last state passed to ``keep``.

    Raises
    ------
    TrainingSetUnfit
        If no image has ``min_train_masks`` cells.
    Cancelled
        At the next block of the network after a stop.
    """
    fit = [image for image in images if has_enough_cells(image, parameters)]
    if not fit:
        raise TrainingSetUnfit(
            f"None of the {len(images)} images has {parameters.min_train_masks} cells.",
            "Label more cells, or lower the number of cells that an image must have.",
        )
    if start and start.epochs == parameters.n_epochs:
        return start.network(parameters.widths)
    torch.manual_seed(parameters.seed)
    seen = TrainingCrops(fit, parameters, checkpoint, vary=parameters.varies)
    unseen = TrainingCrops(validation, parameters, checkpoint, vary=False)
    net = _network(parameters, float(np.median(seen.diameters)))
    optimizer = torch.optim.AdamW(
        net.parameters(), weight_decay=parameters.weight_decay
    )
    done = start.put_into(net, optimizer) if start else 0
    rates = learning_rates(parameters.learning_rate, parameters.n_epochs)
    with _watched(net, checkpoint):
        for epoch in range(done, len(rates)):
            for group in optimizer.param_groups:
                group["lr"] = float(rates[epoch])
            # A generator for each epoch lets training resume after any of them.
            rng = np.random.default_rng((parameters.seed, epoch))
            losses = []
            for batch in _batches(seen.epoch(rng), parameters.batch_size):
                checkpoint.reached(epoch, len(rates), "training")
                losses.append(_step(net, optimizer, *seen.crops(batch, rng)))
            now_and_then = (epoch + 1) % VALIDATE_EVERY == 0
            measured = len(unseen) and now_and_then
            loss = _measure(net, unseen, parameters) if measured else None
            report(EpochReport(epoch + 1, len(rates), float(np.mean(losses)), loss))
            if now_and_then or epoch + 1 == len(rates):
                keep(TrainingState.of(epoch + 1, net, optimizer))
    return net.eval()


def has_enough_cells(image: TrainingImage, parameters: TrainingParameters) -> bool:
    """Return whether an image is trained on: others teach too little."""
    return _cells(image) >= parameters.min_train_masks


def learning_rates(rate: float, n_epochs: int) -> npt.NDArray[np.float64]:
    """Return the learning rate of every epoch.

    It rises over ten epochs and halves ten times over the last 100 (over the
    last 50 of 100 to 300 epochs).
    """
    tail = 100 if n_epochs > 300 else 50 if n_epochs > 99 else 0
    rates = np.full(n_epochs, rate)
    # Cellpose spends the first epoch at a rate of 0, in which nothing is learned.
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
    """Check before each block, forward and backward, because a batch takes seconds."""

    def check(*_: Any) -> None:
        checkpoint.check()

    handles = [block.register_forward_pre_hook(check) for block in net.blocks]
    # The first block passes no gradient back, and torch warns about a hook there.
    back = net.blocks[1:]
    handles += [block.register_full_backward_pre_hook(check) for block in back]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _cells(image: TrainingImage) -> int:
    return int(np.count_nonzero(np.unique(image.labels)))


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


def _measure(net: UNet, unseen: TrainingCrops, parameters: TrainingParameters) -> float:
    """Return the loss on crops that are the same every time."""
    net.eval()
    # Losses of different epochs are comparable on the same crops only.
    rng = np.random.default_rng(42)
    batches = _batches(np.arange(len(unseen)), parameters.batch_size)
    with torch.no_grad():
        losses = [_loss(net, *unseen.crops(b, rng)).item() for b in batches]
    return float(np.mean(losses))

"""Steps of a training: the crops of a batch are shared out among threads.

Each part of a batch is computed on a copy of the network by one thread of torch, and
the gradients are added in the order of the parts. So no thread waits for another one
within a layer, and the weights do not depend on the number of threads. Batch
normalisation sees one part at a time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellpose_studio.engine.device import cpu_computes_bfloat16
from cellpose_studio.engine.threads import run_parts
from cellpose_studio.engine.training.dataset import Batch
from cellpose_studio.engine.training.networks import TrainedNetwork
from cellpose_studio.engine.training.optimizer import AdamW

_PART = 4
"""Crops of a part: fewer would make the statistics of batch normalisation noisy."""
_FROZEN_PART = 1
"""The same where these statistics stay as they are."""


class Stepper:
    """Takes steps with a network, which it changes in place.

    Parameters
    ----------
    check
        Called before each block, forward and backward, because a batch takes seconds;
        its exceptions leave `step` and `measure`.
    """

    def __init__(
        self,
        trained: TrainedNetwork,
        batch_size: int,
        freeze_norm: bool,
        device: str,
        check: Callable[[], None],
    ) -> None:
        self._net = trained.net
        self._freeze_norm = freeze_norm
        self._device = device
        self._check = check
        self._size = _FROZEN_PART if freeze_norm else _PART
        on_cpu = device == "cpu" and trained.info.scales_images
        count = -(-batch_size // self._size) if on_cpu else 1
        if count == 1:
            # One thread would leave the others idle, and a GPU takes whole batches.
            self._size = batch_size
        self._copies: list[Any] = [copy.deepcopy(self._net) for _ in range(count - 1)]
        self._blocks = [trained.blocks(net) for net in self._nets]

    @property
    def _nets(self) -> list[Any]:
        return [self._net, *self._copies]

    def step(self, optimizer: AdamW, batch: Batch) -> float:
        """Take one step; return the loss before it."""
        parts = _parts(batch, self._size)
        nets = self._nets[: len(parts)]
        self._synchronise(nets)
        losses = [0.0] * len(parts)
        weights = [len(part.pixels) / len(batch.pixels) for part in parts]

        def work(n: int) -> None:
            net = nets[n]
            net.train()
            if self._freeze_norm:
                _freeze_norms(net)
            net.zero_grad(set_to_none=True)
            loss = weights[n] * self._loss(net, parts[n])
            loss.backward()
            losses[n] = loss.item()

        with self._watched():
            run_parts(
                work,
                range(len(parts)),
                self._check,
                by_torch=len(self._nets) > 1,
            )
        self._gather(nets, weights)
        optimizer.step()
        return sum(losses)

    def measure(self, batches: Iterable[Batch]) -> float:
        """Return the mean loss, without a step."""
        self._net.eval()
        with torch.no_grad(), self._watched():
            losses = [self._loss(self._net, batch).item() for batch in batches]
        return sum(losses) / len(losses)

    def _loss(self, net: Any, batch: Batch) -> Tensor:
        pixels = batch.pixels.to(self._device, memory_format=torch.channels_last)
        kind = torch.device(self._device).type
        with torch.autocast(kind, torch.bfloat16, enabled=_computes_bfloat16(kind)):
            outputs = net(pixels)[0]
        counts = None if batch.counts is None else batch.counts.to(self._device)
        return loss_of(outputs.float(), batch.targets.to(self._device), counts)

    def _synchronise(self, nets: Sequence[Any]) -> None:
        """Give the copies the weights and statistics of the network."""
        first = nets[0]
        with torch.no_grad():
            for net in nets[1:]:
                pairs = zip(net.parameters(), first.parameters(), strict=True)
                for mine, its in pairs:
                    mine.copy_(its)
                for kept, known in zip(net.buffers(), first.buffers(), strict=True):
                    kept.copy_(known)

    def _gather(self, nets: Sequence[Any], weights: Sequence[float]) -> None:
        """Add up the gradients, and average the statistics, in the order of parts."""
        if len(nets) == 1:
            return
        with torch.no_grad():
            for several in zip(*(net.parameters() for net in nets), strict=True):
                first, *others = (one.grad for one in several)
                for other in others:
                    if first is not None and other is not None:
                        first.add_(other)
            for kept in zip(*(net.buffers() for net in nets), strict=True):
                if kept[0].is_floating_point():
                    mean = sum(w * one for w, one in zip(weights, kept, strict=True))
                    kept[0].copy_(mean)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        def check(*_: Any) -> None:
            self._check()

        handles = []
        for blocks in self._blocks:
            handles += [block.register_forward_pre_hook(check) for block in blocks]
            # The first block that is trained passes no gradient back, and torch warns
            # about a hook.
            trains = [
                block
                for block in blocks
                if all(weight.requires_grad for weight in block.parameters())
            ]
            handles += [
                block.register_full_backward_pre_hook(check) for block in trains[1:]
            ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def loss_of(outputs: Tensor, targets: Tensor, counts: Tensor | None) -> Tensor:
    """Return Cellpose's loss of outputs (N, 3, Y, X), over the pixels that count.

    It is half the squared error of five times the flows plus the cross entropy of the
    cell probability. ``counts`` (N, Y, X) are 0 or 1; None counts all pixels.
    """
    cell = (targets[:, 0] > 0.5).float()
    wanted = 5 * targets[:, 1:]
    if counts is None:
        flows = functional.mse_loss(outputs[:, :2], wanted) / 2
        return flows + functional.binary_cross_entropy_with_logits(outputs[:, 2], cell)
    total = counts.sum().clamp(min=1)
    off = ((outputs[:, :2] - wanted) ** 2).mean(1)
    entropy = functional.binary_cross_entropy_with_logits(
        outputs[:, 2], cell, reduction="none"
    )
    return ((off / 2 + entropy) * counts).sum() / total


def _parts(batch: Batch, size: int) -> list[Batch]:
    count = len(batch.pixels)
    if count <= size:
        return [batch]
    return [batch.part(slice(n, n + size)) for n in range(0, count, size)]


def _freeze_norms(net: nn.Module) -> None:
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()


def _computes_bfloat16(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and cpu_computes_bfloat16()

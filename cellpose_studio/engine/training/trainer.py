"""Train a network, by Cellpose's conventions.

Targets are the flows of the true masks, computed cell by cell; crops are rotated,
flipped and scaled as by Cellpose, the loss is Cellpose's, and the learning rate follows
`train_seg` of Cellpose 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from cellpose_studio.core.checkpoint import Checkpoint, StoppedEarly
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.training import EpochReport, TrainingParameters
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.core.wording import cell_count, image_count
from cellpose_studio.engine.training.dataset import (
    Batch,
    ImageFacts,
    TrainingCrops,
    survey,
)
from cellpose_studio.engine.training.full_memory import full_while_training
from cellpose_studio.engine.training.image_cache import ImageCache
from cellpose_studio.engine.training.layers import merge_layers
from cellpose_studio.engine.training.loader import Loader, loading
from cellpose_studio.engine.training.networks import TrainedNetwork, start_network
from cellpose_studio.engine.training.optimizer import AdamW
from cellpose_studio.engine.training.parent_share import ParentShare
from cellpose_studio.engine.training.request import Report, Request, Result, Validation
from cellpose_studio.engine.training.state import TrainingState, Weights, copied
from cellpose_studio.engine.training.steps import Stepper

_SEEDS = 100_003
"""Of one training to the next, so that their epochs have seeds of their own."""
_MOST_MEASURED = 64
"""Images whose loss is measured; more would take longer than the epochs between."""


def train(request: Request, checkpoint: Checkpoint, report: Report) -> Result:
    """Return a network trained as requested.

    It is that of the epoch with the highest score on the validation images, of those
    that ``best_of_last`` allows, or of the last epoch if none was measured. The same
    request gives the same weights on the same machine, also if the training was
    interrupted and resumed from the last state that was passed to ``keep``.

    Raises
    ------
    TrainingSetUnfit
        If no image has ``min_train_masks`` cells, or an image cannot be trained on.
    DeviceFull
        If the memory of a GPU is too small.
    Cancelled
        At the next block of the network after a stop.
    StoppedEarly
        If the training was stopped before its first epoch was measured.
    """
    parameters = request.parameters
    torch.manual_seed(parameters.seed)
    facts = survey(request.train, parameters.channel, checkpoint)
    fewest = parameters.min_train_masks
    fit = [n for n, fact in enumerate(facts) if fact.cells >= fewest]
    if not fit:
        raise TrainingSetUnfit(
            f"Of {image_count(len(facts))} for training, none has "
            f"{cell_count(fewest)} or more.",
            "Label more cells, or lower the number of cells that an image must have.",
        )
    used, facts = [request.train[n] for n in fit], [facts[n] for n in fit]
    with full_while_training(request.device, request.parent, parameters):
        trained = start_network(
            parameters, request.parent, request.device, checkpoint.check
        )
        _set_diameter(trained.net, facts, parameters)
        with loading() as loader:
            course = _Course(request, trained, used, facts, checkpoint, report, loader)
            state = course.run()
    # After an early stop, the network is ahead of the last state.
    trained.net.load_state_dict(state.best_weights or course.kept_after(state))
    merge_layers(trained.net)
    trained.net.eval()
    return Result(trained=trained, used=used, facts=facts, state=state)


def learning_rates(
    rate: float, n_epochs: int, anneal: float = 0.0
) -> npt.NDArray[np.float64]:
    """Return the learning rate of every epoch.

    It rises over ten epochs and halves ten times over the last 100 (over the last 50
    of 100 to 300 epochs). With ``anneal``, it falls along a cosine instead, over that
    part of the epochs.
    """
    tail = 100 if n_epochs > 300 else 50 if n_epochs > 99 else 0
    rates = np.full(n_epochs, rate)
    # Cellpose spends the first epoch at a rate of 0, in which nothing is learned.
    rise = np.linspace(0, rate, 11)[1:]
    rates[:10] = rise[:n_epochs]
    if falling := round(anneal * n_epochs):
        rates[-falling:] *= (1 + np.cos(np.pi * np.arange(falling) / falling)) / 2
    elif tail:
        rates[-tail:] = rate / 2.0 ** (1 + np.arange(tail) // (tail // 10))
    return rates


def _set_diameter(
    net: Any, facts: Sequence[ImageFacts], parameters: TrainingParameters
) -> None:
    """Note the diameter of the cells in the network, as Cellpose does."""
    known = [fact.diameter or parameters.diam_mean for fact in facts]
    net.diam_labels.data[:] = float(np.median(known))


@dataclass(eq=False)
class _Course:
    """One training from its first epoch, or the state it goes on from, to its end."""

    request: Request
    trained: TrainedNetwork
    used: Sequence[TrainingPair]
    facts: Sequence[ImageFacts]
    checkpoint: Checkpoint
    report: Report
    loader: Loader
    curve: list[tuple[float, ...]] = field(default_factory=list)
    _before: tuple[float, ...] = ()
    _best_aps: tuple[float, ...] = ()
    _best_epoch: int = 0
    _best_score: float = math.nan
    _best_weights: Any = None
    _parent: ParentShare = field(init=False)

    def run(self) -> TrainingState:
        """Train; return the last state."""
        request, parameters = self.request, self.request.parameters
        seen = self._crops(self.used, self.facts, parameters.varies)
        unseen_facts = survey(request.validation, parameters.channel, self.checkpoint)
        unseen = self._crops(request.validation, unseen_facts, vary=False)
        stepper = Stepper(
            self.trained,
            parameters.batch_size,
            parameters.freeze_norm,
            request.device.name,
            self._check,
        )
        # Random weights know nothing that could be forgotten.
        share = parameters.parent_share if request.parent is not None else 0.0
        self._parent = ParentShare(self.trained.net, share)
        weights = [w for w in self.trained.net.parameters() if w.requires_grad]
        optimizer = AdamW(weights, parameters.weight_decay)
        rates = learning_rates(
            parameters.learning_rate, parameters.n_epochs, parameters.anneal
        )
        done = self._take_up(optimizer)
        state = request.start
        try:
            if not done:
                self._measure_parent(len(rates))
            for epoch in range(done, len(rates)):
                if self._out_of_patience(epoch):
                    break
                optimizer.rate = float(rates[epoch])
                # A Transformer leaves out blocks at random; of a training that is
                # resumed the same ones.
                torch.manual_seed(_SEEDS * parameters.seed + epoch)
                batches = self._batches(seen, epoch)
                losses = [stepper.step(optimizer, batch) for batch in batches]
                last = epoch + 1 == len(rates)
                measures = (epoch + 1) % parameters.validate_every == 0
                loss = float(np.mean(losses))
                self._after(epoch, loss, stepper, unseen, measures or last)
                if measures or last:
                    state = self._state(epoch + 1, optimizer)
                    request.keep(state)
        except StoppedEarly:
            # Epochs since the last state are lost: their weights were not measured.
            if state is None or not state.epochs:
                raise
        assert state is not None
        return state

    def kept_after(self, state: TrainingState) -> Weights:
        """Return the weights to keep after the last epoch of a state."""
        self.trained.net.load_state_dict(state.weights)
        with self._parent.mixed_in():
            return copied(self.trained.net)

    def _check(self) -> None:
        self.checkpoint.check()
        self.request.stop_early()

    def _crops(
        self, pairs: Sequence[TrainingPair], facts: Sequence[ImageFacts], vary: bool
    ) -> TrainingCrops:
        parameters = self.request.parameters
        cache = ImageCache(
            pairs, parameters.channel, self.checkpoint, self.request.most_bytes
        )
        return TrainingCrops(
            cache,
            facts,
            parameters,
            scale_to=self.trained.scale_to,
            inputs=self.trained.inputs,
            vary=vary,
        )

    def _take_up(self, optimizer: AdamW) -> int:
        """Go on from the state of the request; return the finished epochs."""
        start = self.request.start
        if start is None:
            return 0
        self.trained.net.load_state_dict(start.weights)
        optimizer.take_up(start.optimizer)
        self.curve = [*start.curve]
        self._best_epoch, self._best_weights = start.best_epoch, start.best_weights
        self._best_score = start.best_score
        if start.aps:
            self._before, self._best_aps = start.aps[0], start.aps[-1]
        for report in start.reports(self.request.parameters.n_epochs):
            self.report(report)
        return start.epochs

    def _batches(self, crops: TrainingCrops, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, which are prepared ahead."""
        parameters = self.request.parameters
        # Generators of their own let training resume after any epoch, and batches be
        # prepared in any order.
        order = crops.epoch(np.random.default_rng((parameters.seed, epoch)))
        calls = [
            partial(
                crops.batch, chosen, np.random.default_rng((parameters.seed, epoch, n))
            )
            for n, chosen in enumerate(_split(order, parameters.batch_size))
        ]
        for batch in self.loader.results(calls, self._check):
            self.checkpoint.reached(epoch, parameters.n_epochs, "training")
            yield batch

    def _measure_parent(self, n_epochs: int) -> None:
        """Measure the model before the training, if it is more than random."""
        if self.request.validate is None or self.request.parent is None:
            return
        self.trained.net.eval()
        found = self.request.validate(self.trained)
        self._before = found.aps
        self.curve.append((0, math.nan, math.nan, found.ap, found.score))
        self.report(
            EpochReport(
                epoch=0,
                n_epochs=n_epochs,
                train_loss=math.nan,
                validation_ap=found.ap,
                samples=found.samples,
            )
        )

    def _after(
        self,
        epoch: int,
        train_loss: float,
        stepper: Stepper,
        unseen: TrainingCrops,
        measures: bool,
    ) -> None:
        """Measure the network on the validation images, if it is time; report."""
        loss = found = None
        if measures and len(unseen):
            with self._parent.mixed_in():
                loss = stepper.measure(self._unseen_batches(unseen))
                if self.request.validate is not None:
                    self.trained.net.eval()
                    found = self.request.validate(self.trained)
                    self._judge(epoch + 1, found)
        ap = None if found is None else found.ap
        self.curve.append(
            (
                epoch + 1,
                train_loss,
                math.nan if loss is None else loss,
                math.nan if ap is None else ap,
                math.nan if found is None else found.score,
            )
        )
        self.report(
            EpochReport(
                epoch=epoch + 1,
                n_epochs=self.request.parameters.n_epochs,
                train_loss=train_loss,
                validation_loss=loss,
                validation_ap=ap,
                best=self._best_epoch or None,
                samples=found.samples if found is not None else (),
            )
        )

    def _judge(self, epoch: int, found: Validation) -> None:
        best = self._best_score
        # Those before are kept only where the training ends before the others.
        is_first = self._best_epoch < self._first_kept <= epoch
        if is_first or found.score > best or math.isnan(best):
            self._best_epoch, self._best_score = epoch, found.score
            self._best_aps = found.aps
            self._best_weights = copied(self.trained.net)

    def _unseen_batches(self, unseen: TrainingCrops) -> Iterator[Batch]:
        size = self.request.parameters.batch_size
        some = spread(len(unseen), _MOST_MEASURED)
        for n, chosen in enumerate(_split(some, size)):
            # Losses of different epochs are comparable on the same crops only.
            yield unseen.batch(chosen, np.random.default_rng((42, n)))

    @property
    def _first_kept(self) -> int:
        """The first epoch that is kept if the training goes on to its end."""
        parameters = self.request.parameters
        wanted = round(parameters.best_of_last * parameters.n_epochs)
        return 1 + parameters.n_epochs - max(wanted, 1)

    def _out_of_patience(self, epoch: int) -> bool:
        patience = self.request.parameters.patience
        since = max(self._best_epoch, self._first_kept)
        return bool(patience and self._best_epoch and epoch - since >= patience)

    def _state(self, epochs: int, optimizer: AdamW) -> TrainingState:
        aps = (self._before, self._best_aps) if self._best_aps else ()
        return TrainingState(
            epochs=epochs,
            weights=copied(self.trained.net),
            optimizer=optimizer.state(),
            best_weights=self._best_weights,
            best_epoch=self._best_epoch,
            best_score=self._best_score,
            aps=aps,
            curve=tuple(self.curve),
        )


def spread(count: int, most: int) -> npt.NDArray[np.int64]:
    """Return up to ``most`` of the numbers from 0 to ``count`` - 1, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _split(order: npt.NDArray[np.int64], size: int) -> list[list[int]]:
    return [order[k : k + size].tolist() for k in range(0, len(order), size)]

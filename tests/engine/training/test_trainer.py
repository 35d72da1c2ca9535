"""Training small networks for a moment."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.training import (
    EpochReport,
    TrainingImage,
    TrainingParameters,
)
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.engine.networks.weights import inspect, save_weights
from cellpose_studio.engine.training.request import Request
from cellpose_studio.engine.training.state import (
    TrainingIdentity,
    load_state,
    save_state,
)
from cellpose_studio.engine.training.trainer import learning_rates, train

LITTLE = {"widths": (1, 4, 8), "bsize": 64, "diam_mean": 12.0, "min_train_masks": 1}
MINE = TrainingIdentity(training="mine")


def discs(seed: int, cells: int = 9) -> TrainingImage:
    """Bright discs of about 14 pixels in noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:80, :96]
    labels = np.zeros(y.shape, np.uint16)
    for n in range(cells):
        row, column = divmod(n, 4)
        jitter = rng.uniform(-3, 3, 2)
        away = np.hypot(y - 14 - 24 * row - jitter[0], x - 14 - 24 * column - jitter[1])
        labels[away <= rng.uniform(6, 8)] = 10 * n + 10
    pixels = (labels > 0) + 0.2 * rng.normal(size=labels.shape)
    return TrainingImage(f"discs {seed}", pixels[None].astype(np.float32), labels)


def train_little(
    images=None, validation=(), checkpoint=None, start=None, keep=None, **options
) -> tuple[torch.nn.Module, list[EpochReport]]:
    reports: list[EpochReport] = []
    parameters = TrainingParameters(**{**LITTLE, "n_epochs": 2, **options})
    images = [discs(n) for n in range(4)] if images is None else images
    request = Request(
        train=[pair_of(image) for image in images],
        validation=[pair_of(image, "validation") for image in validation],
        parameters=parameters,
        start=start,
        keep=keep or (lambda _: None),
    )
    result = train(request, checkpoint or Checkpoint(), reports.append)
    return result.trained.net, reports


def pair_of(image: TrainingImage, role="train") -> TrainingPair:
    """Return an image in memory as one that is read."""
    cells = len(np.unique(image.labels)) - 1
    return TrainingPair(
        name=image.name,
        role=role,
        identity=image.name,
        cells=cells,
        source=image.name,
        read=lambda: image,
    )


def test_the_loss_falls_and_unseen_images_profit():
    validation = [discs(90)]
    net, reports = train_little(
        validation=validation, n_epochs=30, batch_size=2, learning_rate=0.02
    )
    assert [report.epoch for report in reports] == list(range(1, 31))
    assert {report.n_epochs for report in reports} == {30}
    first, last = reports[0].train_loss, reports[-1].train_loss
    assert last < 0.6 * first
    measured = {r.epoch: r.validation_loss for r in reports if r.validation_loss}
    assert list(measured) == [10, 20, 30]
    assert measured[30] < 0.8 * measured[10]
    assert not net.training

    outputs = net(torch.from_numpy(validation[0].pixels)[None])[0].detach().numpy()[0]
    inside = validation[0].labels > 0
    assert outputs[2, inside].mean() > outputs[2, ~inside].mean() + 2


def test_the_same_arguments_give_the_same_weights_and_another_seed_others():
    first, again, other = (
        train_little(n_epochs=1, seed=seed)[0].state_dict() for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    name = "downsample.down.res_down_0.conv.conv_0.2.weight"
    assert not torch.equal(first[name], other[name])


def test_a_training_that_was_broken_off_goes_on_with_the_same_result(tmp_path):
    varied = {"shading": 0.5, "noise": 0.5, "zoom": 2.0, "n_epochs": 13}
    states = []
    whole, reports = train_little(keep=states.append, **varied)
    assert [state.epochs for state in states] == [10, 13]

    path = tmp_path / "model.resume"
    save_state(states[0], MINE, 12.5, path)
    start, seconds = load_state(path, MINE)
    assert (start.epochs, seconds) == (10, 12.5)
    rest, later = train_little(start=start, **varied)
    assert later == [replace(one, past=True) for one in reports[:10]] + reports[10:]
    weights = rest.state_dict()
    assert all(torch.equal(w, weights[name]) for name, w in whole.state_dict().items())


def test_a_finished_training_has_nothing_left_to_do():
    states = []
    net, _ = train_little(keep=states.append, n_epochs=3)
    again, reports = train_little(start=states[-1], n_epochs=3)
    assert [(one.epoch, one.past) for one in reports] == [(n, True) for n in (1, 2, 3)]
    assert torch.equal(again.output[2].weight, net.output[2].weight)
    assert not again.training


@pytest.mark.parametrize("damage", ["cut", "text", "other"])
def test_a_state_that_is_damaged_is_refused(tmp_path, damage):
    states = []
    train_little(keep=states.append, n_epochs=1)
    path = tmp_path / "model.resume"
    save_state(states[0], MINE, 1.0, path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "text":
        path.write_text("hello")
    else:
        torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(TrainingSetUnfit, match=r"model\.resume is damaged"):
        load_state(path, MINE)


def test_a_state_of_another_training_is_refused(tmp_path):
    states = []
    train_little(keep=states.append, n_epochs=1)
    path = tmp_path / "model.resume"
    begun = {"a.tif": "train/1", "b.tif": "train/2", "c.tif": "validation/3"}
    mine = TrainingIdentity(training="mine", images=begun)
    save_state(states[0], mine, 1.0, path)
    now = {"b.tif": "train/5", "c.tif": "validation/3", "d.tif": "train/4"}
    yours = TrainingIdentity(training="yours", images=now)
    with pytest.raises(TrainingSetUnfit, match="belongs to a training on other") as no:
        load_state(path, yours)
    assert no.value.hint.startswith(
        "No longer in the set: a.tif. Not in the set then: d.tif. "
        "Other masks, pixels or roles: b.tif. Take that back to go on"
    )


def test_a_state_of_an_earlier_version_is_gone_on_from(tmp_path):
    states = []
    train_little(keep=states.append, n_epochs=1)
    path = tmp_path / "model.resume"
    old = {"training": "mine", "seconds": 1.0, **vars(states[0])}
    torch.save(old, path)
    state, seconds = load_state(path, MINE)
    assert (state.epochs, seconds) == (1, 1.0)
    with pytest.raises(TrainingSetUnfit) as no:
        load_state(path, TrainingIdentity(training="yours"))
    assert no.value.hint == (
        "Take that back to go on, or discard the training to start again."
    )
    assert no.value.command_hint == (
        "Take that back to go on, or delete the file to start again."
    )


def test_the_weights_are_a_model_that_can_be_chosen(tmp_path):
    net, _ = train_little(n_epochs=1)
    save_weights(net, tmp_path / "mine")
    spec = inspect(tmp_path / "mine")
    assert (spec.architecture, spec.input_channels) == ("unet", 1)
    assert spec.diam_mean == 12.0
    assert spec.diam_labels == pytest.approx(14.0, abs=1.0)


def test_the_images_stay_as_they_are():
    images = [discs(0)]
    pixels, labels = images[0].pixels.copy(), images[0].labels.copy()
    train_little(images, n_epochs=1)
    np.testing.assert_array_equal(images[0].pixels, pixels)
    np.testing.assert_array_equal(images[0].labels, labels)


def test_images_with_too_few_cells_are_left_out():
    few, enough = discs(0, cells=2), discs(1, cells=6)
    with_both = train_little([few, enough], min_train_masks=3)[0].state_dict()
    alone = train_little([enough], min_train_masks=3)[0].state_dict()
    assert all(torch.equal(with_both[name], w) for name, w in alone.items())
    with pytest.raises(
        TrainingSetUnfit, match="Of 1 image for training, none has 3 cells"
    ):
        train_little([few], min_train_masks=3)


def test_an_image_without_cells_can_be_trained_on():
    empty = discs(0, cells=0)
    _, reports = train_little([empty, discs(1)], min_train_masks=0)
    assert all(np.isfinite(report.train_loss) for report in reports)


@pytest.mark.parametrize(("wanted", "batches"), [(None, 4), (2, 2), (7, 7)])
def test_an_epoch_takes_as_many_images_as_asked(wanted, batches):
    steps = []
    checkpoint = Checkpoint(lambda *step: steps.append(step))
    train_little(checkpoint=checkpoint, nimg_per_epoch=wanted, batch_size=1)
    assert [s for s in steps if s[2] == "reading"] == [
        (n, 4, "reading") for n in range(4)
    ]
    trained = [s for s in steps if s[2] == "training"]
    assert trained == [
        (epoch, 2, "training") for epoch in (0, 1) for _ in range(batches)
    ]


@pytest.mark.parametrize("at", ["reading", "training"])
def test_training_stops_at_the_next_image_or_batch(at):
    steps = []

    def report(done: int, total: int, what: str) -> None:
        steps.append(what)
        if steps.count(at) == 2:
            checkpoint.stop()

    checkpoint = Checkpoint(report)
    with pytest.raises(Cancelled):
        train_little(checkpoint=checkpoint, batch_size=1)
    assert steps.count(at) == 2


@pytest.mark.parametrize("last", [2, 6, None])
def test_a_batch_stops_at_the_next_block_forth_and_back(last):
    class StopsWithinABatch(Checkpoint):
        stage = ""
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if (self.stage, self.checks) == ("training", last):
                self.stop()
            super().check()

        def reached(self, *step: object) -> None:
            self.stage = step[-1]
            self.checks = 0

    checkpoint = StopsWithinABatch()
    with pytest.raises(Cancelled) if last else nullcontext():
        train_little(checkpoint=checkpoint, batch_size=4)
    # Four blocks forth and three back.
    assert checkpoint.checks == last if last else checkpoint.checks >= 7


def test_a_trained_network_no_longer_asks_whether_to_stop():
    checkpoint = Checkpoint()
    net, _ = train_little(checkpoint=checkpoint, n_epochs=1)
    checkpoint.stop()
    assert net(torch.zeros(1, 1, 16, 16))[0].shape == (1, 3, 16, 16)


def test_the_targets_of_a_cell_are_those_that_cellpose_gives_it_alone():
    from cellpose.dynamics import labels_to_flows

    from cellpose_studio.engine.training.image_cache import targets_of

    labels = discs(5).labels.astype(np.int32)
    # A large cell beside them lets all cells diffuse for longer in Cellpose.
    labels = np.pad(labels, ((0, 0), (0, 200)))
    labels[5:75, 110:280] = 900
    found = targets_of(labels, lambda: None)
    for cell in np.unique(labels)[1:]:
        alone = np.where(labels == cell, 1, 0)
        expected = labels_to_flows([alone])[0][1:]
        inside = alone > 0
        np.testing.assert_allclose(
            found[:, inside], expected[:, inside], atol=1e-4, err_msg=str(cell)
        )


def test_the_loss_is_cellposes_and_counts_no_ignored_pixel():
    from cellpose.train import _loss_fn_seg

    from cellpose_studio.engine.training.steps import loss_of

    rng = torch.Generator().manual_seed(1)
    outputs, targets = torch.randn(2, 2, 3, 8, 8, generator=rng)
    expected = _loss_fn_seg(targets, outputs, torch.device("cpu"))
    torch.testing.assert_close(loss_of(outputs, targets, None), expected)
    counts = torch.ones(2, 8, 8)
    torch.testing.assert_close(loss_of(outputs, targets, counts), expected)
    counts[:, 4:] = 0
    half = _loss_fn_seg(targets[:, :, :4], outputs[:, :, :4], torch.device("cpu"))
    targets[:, :, 4:], outputs[:, :, 4:] = 9, -9
    torch.testing.assert_close(loss_of(outputs, targets, counts), half)


@pytest.mark.parametrize("n_epochs", [100, 250, 400])
def test_the_learning_rate_falls_as_in_cellpose(n_epochs):
    rates = learning_rates(0.01, n_epochs)
    tail, halving = (100, 10) if n_epochs > 300 else (50, 5)
    assert len(rates) == n_epochs
    assert rates[10 : n_epochs - tail] == pytest.approx(0.01)
    assert rates[-tail] == pytest.approx(0.005)
    assert rates[-1] == pytest.approx(0.01 / 2**10)
    assert len({*rates[-tail : -tail + halving]}) == 1


@pytest.mark.parametrize("n_epochs", [1, 5, 30, 400])
def test_the_learning_rate_rises_over_ten_epochs(n_epochs):
    rates = learning_rates(0.01, n_epochs)[:10]
    expected = [0.001 * (n + 1) for n in range(min(10, n_epochs))]
    assert rates.tolist() == pytest.approx(expected)


def test_annealing_lets_the_learning_rate_fall_to_0_along_a_cosine():
    rates = learning_rates(0.01, 40, anneal=0.5)
    assert rates[10:20] == pytest.approx(0.01)
    assert rates[30] == pytest.approx(0.005)
    assert (np.diff(rates[20:]) < 0).all()
    assert 0 < rates[-1] < 1e-4

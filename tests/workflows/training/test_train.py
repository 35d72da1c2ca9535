"""What a model is trained on, and what keeps it from being trained."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellpose_studio.cli.main import run
from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import (
    CannotSave,
    ImageUnreadable,
    MasksUnreadable,
    TrainingSetUnfit,
)
from cellpose_studio.core.models.training import TrainingParameters, finetuning
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.catalogue import from_file
from cellpose_studio.engine.networks.model_card import card_path
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.weights import inspect
from cellpose_studio.engine.training.augmentation import normalized_input
from cellpose_studio.workflows.training.model_file import training_identity
from cellpose_studio.workflows.training.train import train_on_folders
from cellpose_studio.workflows.training.training_images import folder_pairs

TINY = TrainingParameters(
    n_epochs=1, widths=(2, 4, 8), bsize=64, min_train_masks=1, batch_size=2
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "images"


@pytest.fixture
def pair(cells):
    """Return a function that writes a picture and its masks into the folder."""

    def write(name, ending="_masks.tif", shape=(64, 64), axes="YX"):
        path = cells(f"images/{name}", shape, axes)
        y, x = np.indices((64, 64))
        inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
        masks = np.where(inside, 1 + y // 32 * 2 + x // 32, 0).astype(np.uint16)
        tifffile.imwrite(path.with_name(path.stem + ending), masks)
        return path

    return write


@pytest.fixture
def trained(folder, tmp_path):
    """Return a function that trains and returns the numbers of images."""

    def train(*folders, checkpoint=None, parameters=TINY, **options):
        (tmp_path / "model").unlink(missing_ok=True)
        model = train_on_folders(
            folders or [folder],
            tmp_path / "model",
            parameters,
            checkpoint or Checkpoint(),
            lambda _: None,
            **options,
        )
        return model.used, model.measured

    return train


def test_a_folder_of_images_with_masks_becomes_a_model(trained, pair, tmp_path, cells):
    for name in ("a.tif", "b.tif"):
        pair(name)
    cells("images/without.tif", (64, 64))
    assert trained() == (2, 0)
    model = inspect(tmp_path / "model")
    assert (model.architecture, model.input_channels) == ("unet", 2)
    assert model.diam_mean == 17.0
    assert 18 < model.diam_labels < 22
    written = {p.name for p in tmp_path.iterdir() if p.name != "images"}
    assert written == {"model", "model.json", "model.size.npz"}


def test_several_folders_are_trained_on_together(trained, pair, tmp_path, folder):
    pair("a.tif")
    other = tmp_path / "other"
    other.mkdir()
    pair("b.tif").rename(other / "b.tif")
    (folder / "b_masks.tif").rename(other / "b_masks.tif")
    assert trained(folder, other) == (2, 0)


def test_what_a_model_found_is_nothing_to_learn_from(trained, pair):
    pair("a.tif")
    pair("b.tif", ending="_cp_masks.tif")
    assert trained() == (1, 0)


def test_the_network_learns_from_the_mean_of_all_channels(trained, pair):
    pair("a.tif", shape=(3, 64, 64), axes="CYX")
    assert trained() == (1, 0)


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "from Excel"])
def test_a_table_says_what_each_image_is_for(trained, pair, folder, tmp_path, mark):
    for name in "abcdef":
        pair(f"{name}.tif")
    table = tmp_path / "splits.csv"
    rows = "file,split\nimages/a.tif,train\nimages/b.tif,validation\n"
    rows += "images/../images/c.tif,train\nimages/d.tif,test\nimages/e.tif\n\n"
    table.write_text(mark + rows, encoding="utf-8")
    assert trained(split=table) == (2, 1)


@pytest.mark.parametrize(
    "content",
    [b"name;split\na.tif;train\n", b"file,use\na.tif,train\n", b"\xff\xfe\x00", b""],
)
def test_a_table_of_another_kind_is_refused(trained, pair, tmp_path, content):
    pair("a.tif")
    table = tmp_path / "splits.csv"
    table.write_bytes(content)
    with pytest.raises(TrainingSetUnfit):
        trained(split=table)
    with pytest.raises(TrainingSetUnfit, match=r"gone\.csv cannot be read as a table"):
        trained(split=tmp_path / "gone.csv")


def test_folders_of_their_own_are_trained_on_whole(trained, pair, tmp_path, folder):
    other = tmp_path / "other"
    other.mkdir()
    for name in ("a.tif", "b.tif"):
        pair(name).rename(other / name)
        (folder / f"{name[0]}_masks.tif").rename(other / f"{name[0]}_masks.tif")
    for name in ("c.tif", "d.tif"):
        pair(name)
    table = tmp_path / "splits.csv"
    table.write_text("file,split\nimages/c.tif,train\nother/a.tif,validation\n")
    assert trained(split=table, whole=[other]) == (3, 0)


def test_a_share_for_each_folder_or_none(trained, pair, folder):
    pair("a.tif")
    shares = TINY.model_copy(update={"shares": (0.5, 0.5)})
    with pytest.raises(TrainingSetUnfit, match="2 shares for 1 folders"):
        trained(parameters=shares)
    assert trained(parameters=shares, whole=[folder]) == (2, 0)


def test_the_card_says_how_the_model_was_made(trained, pair, tmp_path, folder):
    pair("a.tif")
    pair("b.tif")
    table = tmp_path / "splits.csv"
    table.write_text("file,split\nimages/a.tif,train\nimages/b.tif,validation\n")
    parameters = TINY.model_copy(update={"seed": 7, "shares": (2.0, 1.0)})
    trained(split=table, whole=[folder], parameters=parameters)
    model = from_file(tmp_path / "model")
    card = model.card
    assert card.seed == 7
    assert [(d.name, d.images, d.cells) for d in card.data] == [
        ("images", 1, 4),
        ("images", 2, 8),
    ]
    assert card.command.startswith("cellpose-studio train images --split splits.csv")
    assert str(tmp_path) not in card_path(tmp_path / "model").read_text()
    assert card.versions["torch"]
    assert card.date == datetime.now(UTC).date().isoformat()
    assert card.accuracy == ()


def test_the_command_on_the_card_trains_the_same_model(
    trained, pair, tmp_path, folder, monkeypatch
):
    pair("a.tif")
    varied = {"noise": 0.4, "mix_channels": 0.5, "shares": (1.0, 3.0), "zoom": 2.0}
    parameters = TINY.model_copy(update=varied)
    trained(whole=[folder], parameters=parameters)
    first = (tmp_path / "model").read_bytes()
    program, *arguments = shlex.split(from_file(tmp_path / "model").card.command)
    assert program == "cellpose-studio"
    (tmp_path / "model").unlink()
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 0
    assert (tmp_path / "model").read_bytes() == first


def test_a_trained_model_comes_with_its_size_model(trained, pair, tmp_path):
    pair("a.tif")
    trained()
    network = load(from_file(tmp_path / "model"), CPU)
    assert network.sizes.diam_mean == 17.0
    assert network.sizes.weights.shape == (8,)


def test_without_cells_there_is_no_size_to_learn(trained, pair, tmp_path, folder):
    pair("a.tif")
    empty = np.zeros((64, 64), np.uint16)
    tifffile.imwrite(folder / "a_masks.tif", empty)
    trained(parameters=TINY.model_copy(update={"min_train_masks": 0}))
    model = from_file(tmp_path / "model")
    assert model.diam_labels == 17.0
    assert load(model, CPU).sizes is None


def test_a_training_that_was_stopped_is_taken_up_again(trained, pair, tmp_path):
    pair("a.tif")
    longer = TINY.model_copy(update={"n_epochs": 12, "noise": 0.3})
    trained(parameters=longer)
    whole = (tmp_path / "model").read_bytes()
    (tmp_path / "model").unlink()

    def stop_late(done, total, what):
        if what == "training" and done == 11:
            checkpoint.stop()

    checkpoint = Checkpoint(stop_late)
    with pytest.raises(Cancelled):
        trained(parameters=longer, checkpoint=checkpoint)
    assert (tmp_path / "model.resume").is_file()
    assert not (tmp_path / "model").exists()
    epochs = []
    counting = Checkpoint(
        lambda done, _, what: what == "training" and epochs.append(done)
    )
    trained(parameters=longer, checkpoint=counting, resume=True)
    assert set(epochs) == {10, 11}
    assert (tmp_path / "model").read_bytes() == whole
    assert not (tmp_path / "model.resume").exists()


def test_a_training_is_not_taken_up_with_other_images(trained, pair, tmp_path):
    pair("a.tif")
    ten = TINY.model_copy(update={"n_epochs": 10})

    def stop_at_the_end(done, total, what):
        if what == "learning the diameter":
            checkpoint.stop()

    checkpoint = Checkpoint(stop_at_the_end)
    with pytest.raises(Cancelled):
        trained(parameters=ten, checkpoint=checkpoint)
    pair("b.tif")
    with pytest.raises(TrainingSetUnfit, match="other images or with other"):
        trained(parameters=ten, resume=True)
    assert trained(parameters=ten) == (2, 0)


def test_nothing_to_train_on_is_said(trained, cells, folder, tmp_path):
    cells("images/a.tif")
    with pytest.raises(TrainingSetUnfit, match="no image with masks") as failure:
        trained()
    assert "image_masks.tif" in failure.value.hint
    with pytest.raises(ImageUnreadable, match="folder gone cannot be read"):
        trained(tmp_path / "gone")


def test_too_few_cells_are_said(trained, pair):
    pair("a.tif")
    with pytest.raises(
        TrainingSetUnfit, match="Of 1 image for training, none has 5 cells"
    ):
        trained(parameters=TINY.model_copy(update={"min_train_masks": 5}))


def test_masks_of_another_shape_are_said(trained, pair):
    pair("a.tif", shape=(64, 96))
    with pytest.raises(TrainingSetUnfit, match=r"a\.tif has the shape \(64, 96\)"):
        trained()


def test_a_stack_is_said_to_be_none_that_can_be_trained_on(trained, pair):
    path = pair("a.tif", shape=(2, 64, 64), axes="ZYX")
    masks = np.ones((2, 64, 64), np.uint16)
    tifffile.imwrite(path.with_name("a_masks.tif"), masks, photometric="minisblack")
    with pytest.raises(TrainingSetUnfit) as failure:
        trained()
    assert "single planes" in failure.value.hint
    tifffile.imwrite(path, masks, photometric="minisblack", metadata=None)
    with pytest.raises(TrainingSetUnfit, match="do not define the axes") as failure:
        trained()
    assert "single planes" in failure.value.hint


def test_damaged_files_are_named(trained, pair):
    path = pair("a.tif")
    path.with_name("a_masks.tif").write_bytes(b"II*\0")
    with pytest.raises(MasksUnreadable, match=r"a_masks\.tif"):
        trained()
    path.write_bytes(b"II*\0")
    with pytest.raises(ImageUnreadable, match=r"a\.tif"):
        trained()


def test_a_place_that_takes_no_file_is_refused_before_the_training(
    trained, pair, tmp_path, folder
):
    pair("a.tif")
    for out, said in ((folder, "images is a folder"), (folder / "x" / "m", "There is")):
        with pytest.raises(CannotSave, match=said):
            train_on_folders([folder], out, TINY, Checkpoint(), lambda _: None)


@pytest.mark.skipif(sys.platform != "linux", reason="no folder refuses root")
def test_a_folder_that_takes_no_files_is_refused_before_the_training(pair, folder):
    pair("a.tif")
    with pytest.raises(CannotSave, match="/proc cannot be written to"):
        train_on_folders(
            [folder], Path("/proc/model"), TINY, Checkpoint(), lambda _: None
        )


@pytest.mark.parametrize("phase", ["reading", "training"])
def test_a_stop_ends_every_phase_and_leaves_no_file(trained, pair, tmp_path, phase):
    pair("a.tif")

    def stop_there(done, total, what):
        if what == phase:
            checkpoint.stop()

    checkpoint = Checkpoint(stop_there)
    with pytest.raises(Cancelled):
        trained(checkpoint=checkpoint)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("offset", [0, 2**40])
def test_images_are_trained_on_without_what_is_no_number(pair, folder, offset):
    """Far from 0, the contrast is kept as well."""
    path = pair("a.tif")
    pixels = tifffile.imread(path).astype(np.float64)
    pixels[:5] = np.nan
    tifffile.imwrite(path, pixels + offset)
    found = [(path, folder / "a_masks.tif", 0)]
    [read] = folder_pairs(found, "train", (), Checkpoint())
    image = read.read()
    seen = normalized_input(image.pixels)
    low, high = np.percentile(pixels[5:], (1, 99))
    expected = (pixels[5:] - low) / (high - low)
    np.testing.assert_allclose(seen[5:], expected, atol=1e-4)
    assert not seen[:5].any()


def test_an_image_without_a_number_is_said_before_the_training(trained, pair):
    pair("a.tif")
    path = pair("b.tif")
    empty = np.full(tifffile.imread(path).shape, np.nan, np.float32)
    tifffile.imwrite(path, empty)
    with pytest.raises(TrainingSetUnfit, match=r"No pixel of b\.tif is a number"):
        trained()


def test_what_nobody_has_annotated_is_not_seen(pair, folder):
    path = pair("a.tif")
    truth = tifffile.imread(folder / "a_masks.tif").astype(np.int16)
    truth[32:] = -1
    tifffile.imwrite(folder / "a_masks.tif", truth)
    found = [(path, folder / "a_masks.tif", 0)]
    [read] = folder_pairs(found, "train", (), Checkpoint())
    image = read.read()
    assert image.labels.max() == 2
    assert not image.labels[32:].any()
    seen = normalized_input(image.pixels)
    assert not seen[32:].any()
    assert seen[:32].any()


@pytest.mark.parametrize("value", [1, 255])
def test_masks_of_foreground_alone_are_said_to_be_that(trained, pair, folder, value):
    pair("a.tif", shape=(96, 128))
    y, x = np.indices((96, 128))
    inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
    tifffile.imwrite(folder / "a_masks.tif", (inside * value).astype(np.uint8))
    with pytest.raises(TrainingSetUnfit, match=f"holds 0 and {value} only") as raised:
        trained()
    assert "a number of its own" in raised.value.hint


def test_masks_named_as_ome_tiff_are_found(trained, pair, folder):
    pair("a.tif", ending="_masks.ome.tif")
    path = pair("b.tif")
    path.rename(path.with_name("b.ome.tif"))
    assert trained() == (2, 0)


def test_the_card_counts_what_was_used_and_names_the_rest(
    trained, pair, tmp_path, cells
):
    pair("good.tif")
    few = tifffile.imread(pair("few.tif").with_name("few_masks.tif"))
    tifffile.imwrite(tmp_path / "images" / "few_masks.tif", np.where(few < 4, few, 0))
    pair("misspelt.tif", ending="_mask.tif")
    pair("model.tif", ending="_cp_masks.tif")
    pair("gone.tif").unlink()
    said = []
    four = TINY.model_copy(update={"min_train_masks": 4})
    assert trained(parameters=four, tell=said.append) == (1, 0)
    [data] = from_file(tmp_path / "model").card.data
    assert (data.images, data.cells) == (1, 4)
    assert {group.reason: group.files for group in data.left_out} == {
        "with fewer than 4 cells": ("few.tif",),
        "without masks": ("misspelt.tif", "misspelt_mask.tif"),
        "whose masks are the result of a model": ("model.tif",),
        "masks without an image": ("gone_masks.tif",),
    }
    assert said == [
        "images: 1 file left out, with fewer than 4 cells: few.tif",
        "images: 2 files left out, without masks: misspelt.tif and misspelt_mask.tif",
        "images: 1 file left out, whose masks are the result of a model: model.tif",
        "images: 1 file left out, masks without an image: gone_masks.tif",
    ]


def test_what_a_table_excludes_is_not_missed(trained, pair, tmp_path, cells):
    pair("a.tif")
    cells("images/b.tif", (64, 64))
    cells("images/c.tif", (64, 64))
    table = tmp_path / "splits.csv"
    table.write_text("file,split\nimages/a.tif,train\nimages/b.tif,train\n")
    trained(split=table)
    [data] = from_file(tmp_path / "model").card.data
    assert [group.files for group in data.left_out] == [("b.tif",)]


def test_many_files_are_counted_and_the_first_are_named(trained, pair, cells):
    pair("a.tif")
    for n in range(12):
        cells(f"images/b{n}.tif", (32, 32))
    said = []
    trained(tell=said.append)
    assert said[0].startswith("images: 12 files left out, without masks: b0.tif, b1.")
    assert said[0].endswith("b9.tif and 2 more, which the model card names")


def test_a_model_is_trained_further_and_measured_against_its_parent(
    trained, pair, tmp_path, folder
):
    for name in "abc":
        pair(f"{name}.tif")
    trained()
    (tmp_path / "model").rename(tmp_path / "first")
    parent = from_file(tmp_path / "first")
    table = tmp_path / "splits.csv"
    rows = "images/a.tif,train\nimages/b.tif,train\nimages/c.tif,validation\n"
    table.write_text(f"file,split\n{rows}")
    before = (tmp_path / "first").read_bytes()
    parameters = finetuning().model_copy(
        update={"n_epochs": 2, "validate_every": 1, "bsize": 64, "nimg_per_epoch": 2}
    )
    assert trained(parent=parent, parameters=parameters, split=table) == (2, 1)
    card = from_file(tmp_path / "model").card
    assert card.parent_sha256 == parent.sha256
    assert (tmp_path / "first").read_bytes() == before
    assert [point.epoch for point in card.curve] == [0, 1, 2]
    assert card.comparison.before == card.curve[0].validation_ap
    # The mean over several IoUs cannot be above the AP at the lowest of them.
    assert all(0 <= p.validation_score <= p.validation_ap for p in card.curve)
    assert {image.role for image in card.images} == {"train", "validation"}
    assert "--model first" in card.command
    assert "--freeze-norm" in card.command
    assert card.parameters["learning_rate"] == parameters.learning_rate


def test_a_training_that_an_earlier_version_began_can_be_resumed():
    # Its state has this hash, of parameters without those that came later.
    begun = "f71a9bfc5e08667d6cf6f9260855fdd8055b62d6e7f2295563331984a0f0bdfd"
    parameters = TrainingParameters()
    assert training_identity([], parameters, None).training == begun
    for later in ({"parent_share": 0.5}, {"best_of_last": 0.5}):
        other = parameters.model_copy(update=later)
        assert training_identity([], other, None).training != begun


def test_a_model_is_never_overwritten(trained, pair, folder, tmp_path):
    pair("a.tif")
    trained()
    before = (tmp_path / "model").read_bytes()
    with pytest.raises(CannotSave, match="never overwritten") as failure:
        train_on_folders(
            [folder], tmp_path / "model", TINY, Checkpoint(), lambda _: None
        )
    assert "model-2" in failure.value.hint
    assert (tmp_path / "model").read_bytes() == before


def test_training_and_runs_see_the_same_pixels(pair, folder):
    """A run normalises an image as the training did."""
    from cellpose_studio.core.runs.parameters import GREY, SegmentationParameters
    from cellpose_studio.engine.flows.prepare import network_input
    from cellpose_studio.io.images.reader import open_images

    path = pair("a.tif", shape=(3, 64, 64), axes="CYX")
    found = [(path, folder / "a_masks.tif", 0)]
    [read] = folder_pairs(found, "train", (), Checkpoint())
    image = read.read()
    source = open_images(path)[0]
    seen = network_input(
        (GREY,),
        source.volume(0, range(3)),
        SegmentationParameters().normalization,
        together=False,
    )
    np.testing.assert_array_equal(normalized_input(image.pixels), seen[0, :, :, 0])


def test_a_transformer_is_trained_on_a_gpu_only(trained, pair, tmp_path):
    pair("a.tif")
    trained()
    (tmp_path / "model").rename(tmp_path / "first")
    update = {"architecture": "sam"}
    parent = from_file(tmp_path / "first").model_copy(update=update)
    with pytest.raises(TrainingSetUnfit, match="trained on a GPU only"):
        trained(parent=parent)


def test_the_flow_check_uses_the_targets_that_the_model_learned(
    trained, pair, tmp_path
):
    from cellpose_studio.core.runs.parameters import SegmentationParameters
    from cellpose_studio.io.images.reader import open_images
    from cellpose_studio.workflows.segment import segment

    path = pair("a.tif")
    trained()
    model = from_file(tmp_path / "model")
    image = open_images(path)[0]
    for card, expected in ((model.card, True), (None, False)):
        spec = model.model_copy(update={"card": card})
        parameters = SegmentationParameters(diameter=20)
        run = segment(image, spec, parameters, Checkpoint())
        assert run.flows.per_cell is expected


@pytest.mark.slow
def test_memory_stays_flat_with_many_images(tmp_path):
    """Images are read when they are needed, and leave the memory again."""
    import psutil

    from cellpose_studio.core.models.training import TrainingImage
    from cellpose_studio.core.models.training_set import TrainingPair
    from cellpose_studio.engine.training.request import Request
    from cellpose_studio.engine.training.trainer import train

    y, x = np.indices((256, 256))
    labels = np.where(np.hypot(y % 32 - 16, x % 32 - 16) < 10, 1, 0)
    labels = (labels * (1 + y // 32 * 8 + x // 32)).astype(np.uint16)

    def read(n):
        pixels = np.random.default_rng(n).normal(size=(1, 256, 256))
        return TrainingImage(str(n), pixels.astype(np.float32), labels)

    def memory_of(count):
        pairs = [
            TrainingPair(
                name=str(n),
                role="train",
                identity=str(n),
                cells=64,
                source="",
                read=lambda n=n: read(n),
            )
            for n in range(count)
        ]
        update = {"nimg_per_epoch": count}
        request = Request(
            train=pairs,
            validation=[],
            parameters=TINY.model_copy(update=update),
            most_bytes=8 << 20,
        )
        process, most = psutil.Process(), []
        checkpoint = Checkpoint(lambda *_: most.append(process.memory_info().rss))
        train(request, checkpoint, lambda _: None)
        return max(most)

    few = memory_of(40)
    # All of them would take a gigabyte.
    assert memory_of(800) < few + (60 << 20)

"""How the shipped models are made: drawn images, recipes, and breaks in between."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from cellpose_studio.cli.arguments.options import build_model
from cellpose_studio.cli.main import parser
from cellpose_studio.core.models.training import TrainingParameters, finetuning
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.size_model import size_model_path

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "packaging" / "models"
KINDS = ("fluorescence", "stain", "phase")
LARGEST = 10_000_000  # bytes


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """Make the scripts of the models importable."""
    monkeypatch.syspath_prepend(str(SCRIPTS))


def drawn(kind: str, seed: int):
    synthetic = importlib.import_module("synthetic")
    return synthetic.KINDS[kind](np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_a_drawn_image_has_whole_cells_numbered_without_gaps(kind, seed):
    image, labels = drawn(kind, seed)
    assert image.shape[:2] == labels.shape
    assert (image.ndim == 3) == (kind == "stain")
    cells = np.unique(labels)
    assert cells.tolist() == list(range(len(cells)))
    assert len(cells) > 3
    for cell, box in enumerate(ndimage.find_objects(labels), start=1):
        assert ndimage.label(labels[box] == cell)[1] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_cells_can_be_told_from_the_ground(kind):
    image, labels = drawn(kind, 1)
    grey = image.mean(axis=-1) if image.ndim == 3 else image.astype(float)
    edge = np.abs(ndimage.gaussian_gradient_magnitude(grey, 1))
    rim = (labels > 0) & ~ndimage.binary_erosion(labels > 0, iterations=2)
    ground = ~ndimage.binary_dilation(labels > 0, iterations=4)
    assert edge[rim].mean() > 1.3 * edge[ground].mean()


def test_the_same_seed_draws_the_same_files(tmp_path):
    synthetic = importlib.import_module("synthetic")
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        synthetic.write("phase", tmp_path / name, 2, seed)
    contents = {
        name: [p.read_bytes() for p in sorted((tmp_path / name).iterdir())]
        for name in ("one", "same", "other")
    }
    assert len(contents["one"]) == 4
    assert contents["one"] == contents["same"]
    assert all(a != b for a, b in zip(contents["one"], contents["other"], strict=True))
    stored = tifffile.imread(tmp_path / "one" / "phase_000_masks.tif")
    assert stored.dtype == np.uint16


@pytest.mark.parametrize("spec", shipped(), ids=lambda spec: spec.name)
def test_a_shipped_model_is_small_and_its_card_is_complete(spec):
    recipes = importlib.import_module("recipes")
    recipe, kinds = recipes.RECIPES[spec.name], recipes.KINDS
    parts = (spec.path, size_model_path(spec.path))
    assert sum(part.stat().st_size for part in parts) < LARGEST
    card = spec.card
    assert card.purpose == recipe.purpose
    assert card.not_for == recipe.not_for
    assert card.minutes > 1
    assert card.machine
    assert {"torch", "cellpose", "python"} <= set(card.versions)
    # Of some kinds, there is no image to measure on.
    assert {row.kind for row in card.accuracy} <= {kinds[f] for f in recipe.folders}
    assert card.accuracy
    for row in card.accuracy:
        assert row.seeds
        assert row.worst <= row.ap50 <= row.best
    for row in card.data:
        assert row.images > 0
        assert row.about
        assert row.licence


@pytest.mark.parametrize("spec", shipped(), ids=lambda spec: spec.name)
def test_the_command_on_a_card_is_that_of_the_recipe(spec, monkeypatch):
    train = importlib.import_module("train")
    # A checkout may lack the history that the weights to start from are in.
    monkeypatch.setattr(train, "put_start", lambda name, work: work / name)
    recipe = importlib.import_module("recipes").RECIPES[spec.name]
    words = spec.card.command.split()
    on_card = build_model(TrainingParameters, parser().parse_args(words[1:]))
    out = ROOT / "build" / "model"
    command = train.command(recipe, spec.card.seed, Path("data"), out)
    of_recipe = build_model(TrainingParameters, parser().parse_args(command[3:]))
    assert on_card == of_recipe


@pytest.mark.parametrize("name", ["qpi-small", "stained-small"])
def test_a_model_would_be_trained_further_as_it_was(name):
    """Defaults for few images may change; those of a model that ships may not."""
    recipes = importlib.import_module("recipes")
    [spec] = [spec for spec in shipped() if spec.name == name]
    words = ["train", "data", "--out", "model", *recipes.RECIPES[name].options]
    options = vars(parser().parse_args(words))
    fields = TrainingParameters.model_fields
    given = {n: v for n, v in options.items() if n in fields and v is not None}
    now = TrainingParameters(**{**dict(finetuning()), **given, "seed": spec.card.seed})
    assert now == TrainingParameters(**spec.card.parameters)


def test_no_image_of_the_tests_was_trained_on(shared_data):
    """Only rows of train: those for fine-tuning and validation are left alone."""
    training_images = importlib.import_module(
        "cellpose_studio.workflows.training.training_images"
    )
    for spec in shipped():
        recipe = importlib.import_module("recipes").RECIPES[spec.name]
        folders = [shared_data / folder for folder in recipe.folders]
        table = shared_data / "splits.csv"
        files = training_images.training_files(folders, table, ())["train"]
        counts = {row.name: row.images for row in spec.card.data}
        assert {name: counts[name] for name in recipe.folders} == {
            name: sum(folder.name == name for folder in (f[0].parent for f in files))
            for name in recipe.folders
        }


@pytest.fixture
def little(tmp_path):
    """The words of a training on six drawn images, that takes seconds."""
    synthetic = importlib.import_module("synthetic")
    synthetic.write("fluorescence", tmp_path / "drawn", 6, seed=0)
    options = importlib.import_module("recipes").RECIPES["nuclei-small"].options
    at = options.index("--shares")
    return [
        *("train", str(tmp_path / "drawn"), *options[:at], "--threads", "1"),
        *("--widths", "2", "8", "16", "32", "--bsize", "96", "--nimg-per-epoch", "16"),
    ]


@pytest.mark.slow
def test_training_for_a_few_steps_makes_the_loss_fall(little, tmp_path):
    out = ["--out", str(tmp_path / "model"), "--n-epochs", "40"]
    said = subprocess.run(
        [sys.executable, "-m", "cellpose_studio", *little, *out],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    losses = [float(loss) for loss in re.findall(r"loss (\d+\.\d+)", said)]
    assert len(losses) == 4
    assert losses[-1] < 0.8 * losses[0]
    card = json.loads((tmp_path / "model.json").read_text())["card"]
    assert card["data"][0]["images"] == 6


@pytest.mark.slow
def test_a_training_that_was_killed_gives_the_same_model_in_the_end(little, tmp_path):
    program = [sys.executable, "-m", "cellpose_studio", *little, "--n-epochs", "25"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*program, "--out", str(whole)], check=True)
    again = [*program, "--resume", "--out", str(killed)]
    first = subprocess.Popen(again)
    while not (tmp_path / "killed.resume").is_file():
        assert first.poll() is None
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert not killed.exists()
    subprocess.run(again, check=True)
    assert killed.read_bytes() == whole.read_bytes()
    for model in (killed, whole):
        assert size_model_path(model).is_file()

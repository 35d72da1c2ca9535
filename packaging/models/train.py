"""Trains the models that ship, again and with the same result.

.venv/bin/python packaging/models/train.py [MODEL …]

Draws the synthetic images, trains each model once with every seed, measures all of
them on the validation images, and puts the best one among the resources, with its
card. A training that was broken off goes on where it was: just start it again.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from recipes import DATA, KINDS, LICENCE, RECIPES, START, Recipe
from synthetic import write

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.card import Accuracy, ModelCard, TrainingData
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.catalogue import from_file
from cellpose_studio.engine.networks.model_card import card_path, card_text
from cellpose_studio.engine.networks.size_model import size_model_path
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.workflows.assess import accuracy_of, assess
from cellpose_studio.workflows.training.training_images import training_files

ROOT = Path(__file__).parents[2]
DATA_FOLDER = ROOT.parent / "shared" / "data"
MODELS = ROOT / "resources" / "models"


def draw(recipe: Recipe, work: Path) -> None:
    """Draw the synthetic images of ``recipe`` that are not there yet."""
    for kind, count in recipe.synthetic:
        folder = synthetic_folder(kind, work)
        if not folder.is_dir():
            # Under another name until it is whole, in case of a break.
            part = folder.with_name(f"{kind}.part")
            write(kind, part, count, seed=0)
            part.rename(folder)


def synthetic_folder(kind: str, work: Path) -> Path:
    """Return where the synthetic images of a kind are."""
    return work / "synthetic" / kind


def put_start(name: str, work: Path) -> Path:
    """Return the weights that a recipe starts with, of the repository's history."""
    weights = work / "start" / name
    weights.parent.mkdir(parents=True, exist_ok=True)
    for path in (weights, card_path(weights)):
        if not path.is_file():
            file = f"{START}:{(MODELS / path.name).relative_to(ROOT).as_posix()}"
            found = subprocess.run(
                ["git", "-C", str(ROOT), "show", file], check=True, capture_output=True
            )
            path.write_bytes(found.stdout)
    return weights


def start_options(recipe: Recipe, work: Path) -> list[str]:
    """Return the option of the model that is trained further, if it is one."""
    if not recipe.start:
        return []
    return ["--model", str(put_start(recipe.start, work))]


def command(recipe: Recipe, seed: int, data: Path, out: Path) -> list[str]:
    """Return the command that trains ``recipe`` with ``seed``."""
    whole = [synthetic_folder(kind, out.parent) for kind, _ in recipe.synthetic]
    return [
        *(sys.executable, "-m", "cellpose_studio", "train"),
        *[str(data / folder) for folder in recipe.folders],
        *("--split", str(data / "splits.csv")),
        *("--whole", *[str(folder) for folder in whole]),
        *start_options(recipe, out.parent),
        *recipe.options,
        *("--seed", str(seed), "--threads", "1", "--resume", "--out", str(out)),
    ]


def accuracies(model: ModelSpec, recipe: Recipe, data: Path) -> list[Accuracy]:
    """Return how well ``model`` does on the validation images of each kind."""
    measured = []
    for folder in recipe.folders:
        files = training_files([data / folder], data / "splits.csv", ())["validation"]
        pairs = [(image, masks) for image, masks, _ in files]
        if pairs:
            results = list(assess(model, pairs, Checkpoint()))
            measured.append(accuracy_of(KINDS[folder], results))
    return measured


def in_mean(measured: list[Accuracy]) -> float:
    """Return AP at IoU 0.5 over all images, which a model is chosen by."""
    images = [row.images for row in measured]
    return float(np.average([row.ap50 for row in measured], weights=images))


def card(
    model: ModelSpec,
    recipe: Recipe,
    tried: list[list[Accuracy]],
    before: tuple[TrainingData, ...],
) -> ModelCard:
    """Return the card of ``model``, the best of those ``tried``.

    ``before`` is what the model that it started from was trained on.
    """
    assert model.card is not None
    best = max(tried, key=in_mean)
    accuracy = [
        row.model_copy(update={"seeds": tuple(other[n].ap50 for other in tried)})
        for n, row in enumerate(best)
    ]
    data = [row.model_copy(update=DATA[row.name]) for row in model.card.data]
    names = {row.name for row in data}
    earlier = "the model that it started from was trained on these"
    data += [
        row.model_copy(update={"about": f"{row.about}; {earlier}"})
        for row in before
        if row.name not in names
    ]
    return model.card.model_copy(
        update={
            "purpose": recipe.purpose,
            "not_for": recipe.not_for,
            "data": tuple(data),
            "accuracy": tuple(accuracy),
        }
    )


def ship(name: str, best: ModelSpec, tried: list[list[Accuracy]], work: Path) -> None:
    """Put ``best`` among the resources under ``name``."""
    recipe = RECIPES[name]
    start = from_file(put_start(recipe.start, work)).card if recipe.start else None
    MODELS.mkdir(parents=True, exist_ok=True)
    weights = MODELS / name
    shutil.copyfile(best.path, weights)
    shutil.copyfile(size_model_path(best.path), size_model_path(weights))
    words = {"title": recipe.title, "description": recipe.description}
    shipped = best.model_copy(
        update={
            **words,
            "licence": LICENCE,
            "card": card(best, recipe, tried, start.data if start else ()),
        }
    )
    card_path(weights).write_text(card_text(shipped), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(RECIPES), metavar="MODEL")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--data", type=Path, default=DATA_FOLDER)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "models")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    use_threads(1)
    for name in options.models:
        recipe, tried = RECIPES[name], {}
        draw(recipe, options.work)
        for seed in options.seeds:
            out = options.work / f"{name}-seed{seed}"
            if not card_path(out).is_file():
                subprocess.run(command(recipe, seed, options.data, out), check=True)
            model = from_file(out)
            tried[seed] = (model, accuracies(model, recipe, options.data))
            print(name, "seed", seed, *tried[seed][1], sep="\n  ", flush=True)
        best = max(tried.values(), key=lambda one: in_mean(one[1]))[0]
        ship(name, best, [measured for _, measured in tried.values()], options.work)


if __name__ == "__main__":
    main()

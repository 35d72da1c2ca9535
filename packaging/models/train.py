"""Trains the models that ship, again and with the same result.

.venv/bin/python packaging/models/train.py [MODEL …] [--seeds 0 1 2]

Draws the synthetic images, and trains each model once with every seed. A training
that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from recipes import RECIPES, Recipe
from synthetic import write

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def drawn(recipe: Recipe, work: Path) -> list[Path]:
    """Return the folders of synthetic images, drawing what is not there yet."""
    folders = []
    for kind, count in recipe.synthetic:
        folder = work / "synthetic" / kind
        if not folder.is_dir():
            write(kind, folder, count, seed=0)
        folders.append(folder)
    return folders


def command(name: str, seed: int, data: Path, work: Path) -> list[str]:
    """Return the command that trains ``name``."""
    recipe = RECIPES[name]
    return [
        *(sys.executable, "-m", "cellpose_studio", "train"),
        *[str(data / folder) for folder in recipe.folders],
        *("--split", str(data / "splits.csv")),
        *("--whole", *[str(folder) for folder in drawn(recipe, work)]),
        *recipe.options,
        *("--seed", str(seed), "--threads", "1", "--resume"),
        *("--out", str(work / f"{name}-seed{seed}")),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "models")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.models:
        for seed in options.seeds:
            if not (options.work / f"{name}-seed{seed}").is_file():
                subprocess.run(
                    command(name, seed, options.data, options.work), check=True
                )


if __name__ == "__main__":
    main()

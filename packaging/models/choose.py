"""Fits what chooses among the shipped models (Automatic), and measures it.

.venv/bin/python packaging/models/choose.py [--data FOLDER]

To be run after train.py: it looks with the network of one of the models. It is fitted
to the rows of the table of splits that say train, and measured on those for validation
and, leaving out one image at a time, on those for training.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from recipes import OWN
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from train import DATA_FOLDER, MODELS

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.estimates.quick_look import (
    SIDE,
    Recogniser,
    save_recogniser,
    view,
    views,
)
from cellpose_studio.engine.networks.catalogue import find, shipped
from cellpose_studio.engine.networks.network import Network, load
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.engine.training.augmentation import normalized_input, vary
from cellpose_studio.engine.training.dataset import with_inputs
from cellpose_studio.workflows.training.training_images import (
    folder_pairs,
    training_files,
)

Styles = npt.NDArray[np.float64]

NETWORK = "qpi-small"
"""Whose network looks; others do as well."""
VIEWS = 4
"""Varied views of each image to fit to, beside those of a quick look."""
VARIED = TrainingParameters(
    shading=0.4, blur=0.05, noise=0.2, mix_channels=0.3, stains=0.4
)
PENALTY = 3e-3
"""Keeps the many weights small."""


def styles_of(
    network: Network, pixels: npt.NDArray[np.float32], vary_it: bool
) -> Styles:
    """Return (V, S), the styles of views of an image (C, Y, X)."""
    rng = np.random.default_rng(0)
    seen = [*views(_plane(normalized_input(pixels)))]
    for _ in range(VIEWS if vary_it else 0):
        plane = _plane(vary(pixels, 20.0, VARIED, rng))
        scale = float(np.exp(rng.uniform(np.log(0.4), np.log(1.6))))
        y, x = (rng.integers(max(1, n - SIDE)) for n in plane.shape[:2])
        half = plane[y : y + 2 * SIDE, x : x + 2 * SIDE]
        seen.append(view(half, scale))
    return np.array([network.style(one) for one in seen])


def _plane(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return with_inputs(grey, 2).transpose(1, 2, 0)


def fitted(
    names: Sequence[str], styles: Sequence[Styles], owners: Sequence[int]
) -> Recogniser:
    """Return a recogniser fitted to the styles of images, each of a model."""
    every = np.concatenate(styles)
    mean, spread = every.mean(axis=0), every.std(axis=0) + 1e-6
    x = (every - mean) / spread
    y = np.repeat(owners, [len(one) for one in styles])
    # Each model counts as much as any other, whatever the number of its images.
    counts = np.bincount(y, minlength=len(names))
    share = 1 / counts[y] / len(names)

    def cost(flat: Styles) -> tuple[float, Styles]:
        table = flat.reshape(x.shape[1] + 1, len(names))
        logs = x @ table[:-1] + table[-1]
        loss = -(share * log_softmax(logs, axis=1)[np.arange(len(y)), y]).sum()
        off = softmax(logs, axis=1)
        off[np.arange(len(y)), y] -= 1
        off *= share[:, None]
        slope = np.vstack([x.T @ off + 2 * PENALTY * table[:-1], off.sum(axis=0)])
        return loss + PENALTY * float((table[:-1] ** 2).sum()), slope.ravel()

    start = np.zeros((x.shape[1] + 1) * len(names))
    table = minimize(cost, start, jac=True, method="L-BFGS-B").x.reshape(-1, len(names))
    return Recogniser(
        network=NETWORK,
        sha256=find(NETWORK).sha256,
        names=tuple(names),
        mean=mean,
        spread=spread,
        weights=table[:-1],
        offsets=table[-1],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA_FOLDER)
    options = parser.parse_args()
    use_threads(1)
    models = [model for model in shipped() if model.name in OWN.values()]
    names = [model.name for model in models]
    network = load(models[names.index(NETWORK)], CPU)
    found: dict[str, list[tuple[str, Styles, int]]] = {"train": [], "validation": []}
    for folder, own in OWN.items():
        files = training_files([options.data / folder], options.data / "splits.csv", ())
        for role, images in found.items():
            pairs = folder_pairs(files[role], role, (), Checkpoint())
            for pair in pairs:
                seen = styles_of(network, pair.read().pixels, role == "train")
                images.append((pair.name, seen, names.index(own)))
    _, styles, owners = zip(*found["train"], strict=True)
    best = fitted(names, styles, owners)
    save_recogniser(best, MODELS / "automatic.npz")
    tell("validation", found["validation"], lambda _: best, names)
    tell(
        "train, each left out",
        found["train"],
        lambda n: fitted(
            names, [*styles[:n], *styles[n + 1 :]], [*owners[:n], *owners[n + 1 :]]
        ),
        names,
    )


def tell(title, images, recogniser_for, names) -> None:  # type: ignore[no-untyped-def]
    """Print how often the right model is chosen, and where it is not."""
    right = 0
    for n, (name, styles, own) in enumerate(images):
        chances = recogniser_for(n).chances(styles[:2])
        took = int(chances.argmax())
        right += took == own
        if took != own:
            print(f"  {name}: {names[took]} ({chances[took]:.0%}), not {names[own]}")
    print(f"{title}: {right} of {len(images)}", flush=True)


if __name__ == "__main__":
    main()

"""Measure the shipped models on changed images; see docs/benchmarks.md.

python tests/bench/robustness.py [--data FOLDER WITH splits.csv] [--folders NAME …]

The images kept for validation are what another microscope might have given: larger or
smaller, blurred, noisy, darker to one side, inverted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import tifffile
from models import DATA, KINDS, validation

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.evaluation import agreement
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.segment import segment

Pixels = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint32]

RANDOM = np.random.default_rng(0)
PHOTONS = 20
"""Of the brightest pixels."""


def half(pixels: Pixels) -> Pixels:
    from skimage.transform import rescale

    axis = 2 if pixels.ndim == 3 else None
    small: Pixels = rescale(pixels, 0.5, anti_aliasing=True, channel_axis=axis)
    return small


def double(pixels: Pixels) -> Pixels:
    from skimage.transform import rescale

    axis = 2 if pixels.ndim == 3 else None
    large: Pixels = rescale(pixels, 2, order=1, channel_axis=axis)
    return large


def blurred(pixels: Pixels) -> Pixels:
    from scipy.ndimage import gaussian_filter

    smooth: Pixels = gaussian_filter(pixels, (2, 2) + (0,) * (pixels.ndim - 2))
    return smooth


def noisy(pixels: Pixels) -> Pixels:
    return pixels + RANDOM.normal(0, 0.1 * pixels.max(), pixels.shape)


def few_photons(pixels: Pixels) -> Pixels:
    return RANDOM.poisson(pixels / pixels.max() * PHOTONS) * (pixels.max() / PHOTONS)


def uneven(pixels: Pixels) -> Pixels:
    light = np.linspace(0.25, 1, pixels.shape[1])
    return pixels * (light[:, None] if pixels.ndim == 3 else light)


def dim(pixels: Pixels) -> Pixels:
    return pixels.max() * (pixels / pixels.max()) ** 2


def inverted(pixels: Pixels) -> Pixels:
    return pixels.max() - pixels


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "as they are": lambda pixels: pixels,
    "half as large": half,
    "twice as large": double,
    "blurred, sigma 2 px": blurred,
    "noise of 10 % of the range": noisy,
    f"{PHOTONS} photons at the brightest": few_photons,
    "light falling to a quarter": uneven,
    "gamma 2": dim,
    "inverted": inverted,
}


def precision(
    model: ModelSpec, pixels: Pixels, true: Labels, folder: Path
) -> list[float]:
    """Return the AP at IoU 0.5, 0.75 and 0.9, the diameter measured from the image."""
    kind = "rgb" if pixels.ndim == 3 else "minisblack"
    whole = pixels.clip(0, 65535).astype(np.uint16)
    tifffile.imwrite(folder / "changed.tif", whole, photometric=kind)
    [image] = open_images(folder / "changed.tif")
    found = segment(image, model, SegmentationParameters(), Checkpoint())
    labels = found.labels.reshape(found.labels.shape[-2:])
    return list(agreement(labels, resized(true, labels.shape)).precision)


def resized(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Return labels of another size, by the nearest pixels."""
    at = [
        (np.arange(n) * size // n) for n, size in zip(shape, labels.shape, strict=True)
    ]
    return labels[np.ix_(*at)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--folders", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    models = {model.name: model for model in shipped()}
    print("| images | changed | AP@0.5 | worst to best | AP@0.75 | AP@0.9 |")
    print("|---|---|---|---|---|---|")
    with TemporaryDirectory() as name:
        for part in options.folders:
            kind, own = KINDS[part]
            pairs = validation(options.data, part)
            for title, change in CHANGES.items():
                found = [
                    precision(
                        models[own],
                        change(tifffile.imread(image).astype(float)),
                        read_masks(masks).labels,
                        Path(name),
                    )
                    for image, masks in pairs
                ]
                at_half, at_more, at_most = np.transpose(found)
                print(
                    f"| {kind} ({len(found)}) | {title} | {at_half.mean():.3f} "
                    f"| {at_half.min():.2f} to {at_half.max():.2f} "
                    f"| {at_more.mean():.3f} | {at_most.mean():.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

"""Measure what cleaning of cells changes; see docs/benchmarks.md.

python tests/bench/postprocessing.py [--data FOLDER WITH splits.csv]

Each image runs once, and its flows give the masks of Cellpose and the clean ones: of
the images kept for validation, with their AP; of parts of all images without a cell,
and of backgrounds that are drawn here, with the number of cells, which are all false.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import tifffile
from models import DATA, KINDS, validation
from scipy import ndimage

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.evaluation import agreement
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.segment import segment
from cellpose_studio.workflows.training.training_images import training_files

Pixels = npt.NDArray[np.generic]
Labels = npt.NDArray[np.uint32]

SIDE = 256
"""Of backgrounds that are drawn, px."""

FAR = 6
"""Pixels that an empty part keeps from cells."""

SMALLEST = 72
"""Side of the smallest empty part, px."""


def both(
    image: Path, model: ModelSpec, networks: NetworkCache
) -> tuple[Labels, Labels]:
    """Return the masks of Cellpose, and the clean ones."""
    source = open_images(image)[0]
    quiet = Checkpoint()
    run = segment(source, model, SegmentationParameters(), quiet, networks=networks)
    assert run.maker is not None
    clean = run.parameters.model_copy(update={"postprocessing": "clean"})
    return run.labels, run.maker.masks(clean, quiet)


def backgrounds() -> Iterator[tuple[str, Pixels]]:
    """Yield the kind of a background, and its pixels."""
    random = np.random.default_rng(7)
    shape = (SIDE, SIDE)
    y, x = np.indices(shape) / SIDE
    for sigma in (3, 6, 12, 25, 50):
        smooth = ndimage.gaussian_filter(random.normal(size=shape), sigma, mode="wrap")
        smooth = (smooth - smooth.min()) / np.ptp(smooth)
        for noise in (0, 0.05, 0.3):
            pixels = smooth + random.normal(size=shape) * noise
            yield f"blotches, sigma {sigma} px", scaled(pixels)
    waves = np.fft.fftn(random.normal(size=shape))
    rate = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    rate[0, 0] = 1
    for power in (1, 2):
        yield "clouds", scaled(np.real(np.fft.ifftn(waves / rate**power)))
    noise = random.normal(size=shape)
    yield "gradients", scaled(x)
    yield "gradients", scaled(x + noise * 0.05)
    around = np.exp(-3 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))
    yield "gradients", scaled(around + noise * 0.02)
    yield "noise", scaled(noise)
    for photons in (2, 50):
        yield "noise", scaled(random.poisson(photons, shape))
    yield "noise", scaled(np.where(random.random(shape) < 0.001, 200, noise))
    yield "stripes", scaled(np.sin(60 * x) + noise * 0.1)
    yield "blank", np.full(shape, 1000, np.uint16)
    yield "blank", np.full(shape, np.nan, np.float32)


def scaled(pixels: npt.NDArray[np.floating]) -> npt.NDArray[np.uint16]:
    """Return pixels from 1000 to 5000."""
    return (1000 + 4000 * (pixels - pixels.min()) / np.ptp(pixels)).astype(np.uint16)


def empty_part(image: Path, masks: Path) -> Pixels | None:
    """Return the largest square without a cell; None if it is small."""
    pixels, true = tifffile.imread(image), read_masks(masks).labels
    near = ndimage.binary_dilation(true > 0, iterations=FAR)
    depth = ndimage.distance_transform_cdt(np.pad(~near, 1), "chessboard")
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    half = int(depth.max()) - 1
    if 2 * half < SMALLEST:
        return None
    part: Pixels = pixels[y - 1 - half : y - 1 + half, x - 1 - half : x - 1 + half]
    return part


def pairs(data: Path, folder: str) -> list[tuple[Path, Path]]:
    """Return all images of ``folder`` that models were trained or are validated on."""
    files = training_files([data / folder], data / "splits.csv", ())
    found = [*files["train"], *files["validation"]]
    return [(image, masks) for image, masks, _ in found]


def print_precision(
    data: Path, models: dict[str, ModelSpec], networks: NetworkCache
) -> None:
    print(
        "| images | cells | clean | AP@0.5 | clean | AP@0.75 | clean | AP@0.9 "
        "| clean |\n|---|---|---|---|---|---|---|---|---|"
    )
    for folder, (kind, own) in KINDS.items():
        rows, counts = [], np.zeros(2, int)
        for image, masks in validation(data, folder):
            true = read_masks(masks).labels
            found = both(image, models[own], networks)
            counts += [one.max() for one in found]
            rows.append([agreement(one, true).precision for one in found])
        exact, clean = np.mean(rows, axis=0)
        columns = [f"{a:.4f} | {b:.4f}" for a, b in zip(exact, clean, strict=True)]
        cells = " | ".join(map(str, counts))
        print(f"| {kind} ({len(rows)}) | {cells} | {' | '.join(columns)} |", flush=True)


def print_false(
    data: Path, models: dict[str, ModelSpec], networks: NetworkCache, folder: Path
) -> None:
    print("\n| without cells | found | clean |\n|---|---|---|")
    counts: dict[str, list[tuple[int, int]]] = {}

    def add(title: str, pixels: Pixels, model: ModelSpec) -> None:
        file = folder / "empty.tif"
        kind = "rgb" if pixels.ndim == 3 else "minisblack"
        tifffile.imwrite(file, pixels, photometric=kind)
        exact, clean = both(file, model, networks)
        counts.setdefault(title, []).append((int(exact.max()), int(clean.max())))

    for title, pixels in backgrounds():
        for model in models.values():
            add(title, pixels, model)
    for part, (kind, own) in KINDS.items():
        for image, masks in pairs(data, part):
            empty = empty_part(image, masks)
            if empty is not None:
                add(f"part of {kind}", empty, models[own])
    for title, found in counts.items():
        exact, clean = np.sum(found, axis=0)
        print(f"| {title} ({len(found)}) | {exact} | {clean} |", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, default=DATA)
    data = options.parse_args().data
    models = {model.name: model for model in shipped()}
    networks = NetworkCache()
    print_precision(data, models, networks)
    with TemporaryDirectory() as folder:
        print_false(data, models, networks, Path(folder))


if __name__ == "__main__":
    main()

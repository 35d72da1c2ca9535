"""Measure what joins the cells of planes, beside runs in 3D; see docs/benchmarks.md.

python tests/bench/volumes.py [--data FOLDER]

Two volumes are real, two are drawn here. The masks of all joined columns come from one
run plane by plane.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import tifffile
from models import DATA
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.evaluation import agreement
from cellpose_studio.engine.masks.ends import PixelEnds
from cellpose_studio.engine.masks.finishing import finished
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.segment import segment

Labels = npt.NDArray[np.uint32]
Scores = npt.NDArray[np.float64]

REAL = {
    "mouse embryo": "3d_nuclei_mouse_embryo/mouse_embryo_16cell.tif",
    "plant ovule": "3d_nuclei_plant/plant_ovule_nuclei_1135.tif",
}

OVERLAP = 0.25
"""IoU of cells of neighbouring planes from which on they are joined."""
SHARE = 0.25
"""Of the pixels of a cell that flow to the other one, both ways, to join them."""
BRIDGED = 1
"""Planes in which a cell may be missing."""
SURE = 0.5
"""Mean logit that the last plane of a cell has, as a share of its best plane."""
SMALLEST = 15
"""Pixels of a cell."""
STEPS = 400
EVERYWHERE = -30.0
"""A cell probability below that of all pixels."""


@dataclass(frozen=True)
class Drawing:
    """Ellipsoids about ``diameter`` px wide, in planes that are ``step`` px apart."""

    step: float
    diameter: float
    cells: int
    shape: tuple[int, int, int]
    seed: int


DRAWN = {
    "drawn, 3 px": Drawing(3, 18, 40, (32, 140, 140), 1),
    "drawn, 6 px": Drawing(6, 22, 35, (20, 150, 150), 2),
}


def draw(what: Drawing, image: Path) -> Path:
    """Write a volume with texture, blur and noise, and its true masks beside it."""
    random = np.random.default_rng(what.seed)
    labels, light = np.zeros(what.shape, np.uint16), np.zeros(what.shape)
    grid = np.indices(what.shape).astype(float)
    grid[0] *= what.step
    placed: list[tuple[npt.NDArray[np.float64], float]] = []
    while len(placed) < what.cells:
        radius = what.diameter / 2 * random.uniform(0.8, 1.2)
        centre = random.uniform(0, 1, 3) * np.multiply(what.shape, (what.step, 1, 1))
        if any(np.linalg.norm(centre - c) < radius + r for c, r in placed):
            continue
        placed.append((centre, radius))
        stretch = random.uniform(0.85, 1.15, 3)[:, None, None, None]
        away = (grid - centre[:, None, None, None]) * stretch
        inside = (away**2).sum(axis=0) < radius**2
        labels[inside & (labels == 0)] = len(placed)
        light[inside] = random.uniform(250, 700)
    grain = gaussian_filter(random.normal(0, 3, what.shape), (2 / what.step, 2, 2))
    seen = light * np.clip(1 + 0.5 * grain, 0.2, None)
    seen = gaussian_filter(seen, (3 / what.step, 1.2, 1.2))
    pixels = random.poisson(seen + 60).clip(0, 65535).astype(np.uint16)
    metadata = {"axes": "ZYX", "unit": "um", "spacing": 0.325 * what.step}
    scale = (1 / 0.325, 1 / 0.325)
    tifffile.imwrite(image, pixels, imagej=True, resolution=scale, metadata=metadata)
    tifffile.imwrite(true_masks(image), labels)
    return image


def true_masks(image: Path) -> Path:
    return image.with_name(f"{image.stem}_masks.tif")


def volumes(data: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name and the file of each volume; drawn ones go into ``folder``."""
    for name, file in REAL.items():
        yield name, data / file
    for n, (name, what) in enumerate(DRAWN.items()):
        yield name, draw(what, folder / f"drawn_{n}.tif")


def joined_by_flows(planes: Labels, flows: Flows) -> Labels:
    """Join cells whose pixels flow to each other in each other's plane.

    Parameters
    ----------
    planes
        (Z, Y, X) cells of planes; no two planes share an id.
    """
    drains = [
        plane.ravel()[
            PixelEnds(
                np.ascontiguousarray(flows.dP[:, z]), flows.cellprob[z].copy()
            ).at(EVERYWHERE, STEPS, lambda: None)
        ].reshape(plane.shape)
        for z, plane in enumerate(planes)
    ]
    ids = np.arange(int(planes.max()) + 1)
    continued: set[int] = set()
    for z in range(1, len(planes)):
        started: set[int] = set()
        for back in range(1, min(BRIDGED + 1, z) + 1):
            for lower, upper in partners(planes, drains, z - back, z):
                if lower not in continued and upper not in started:
                    ids[upper] = ids[lower]
                    continued.add(lower)
                    started.add(upper)
    return ids[planes].astype(np.uint32)


def partners(
    planes: Labels, drains: list[Labels], lower: int, upper: int
) -> Iterator[tuple[int, int]]:
    """Yield pairs of cells of two planes that flow to each other most, one to one."""
    below, above = planes[lower], planes[upper]
    there, back = shares(below, drains[upper]), shares(above, drains[lower])
    found = {
        pair: min(share, back.get(pair[::-1], 0.0)) for pair, share in there.items()
    }
    rows = sorted({cell for cell, _ in found})
    columns = sorted({cell for _, cell in found})
    table: Scores = np.zeros((len(rows), len(columns)))
    for (cell, other), share in found.items():
        table[rows.index(cell), columns.index(other)] = share
    for row, column in zip(*linear_sum_assignment(-table), strict=True):
        if table[row, column] >= SHARE:
            yield rows[row], columns[column]


def shares(cells: Labels, drains: Labels) -> dict[tuple[int, int], float]:
    """Return how much of each cell flows to each one of another plane."""
    both = (cells > 0) & (drains > 0)
    pairs, pixels = np.unique(
        np.stack([cells[both], drains[both]]), axis=1, return_counts=True
    )
    areas = np.bincount(cells.ravel())
    return {
        (int(cell), int(other)): float(count / areas[cell])
        for (cell, other), count in zip(pairs.T, pixels, strict=True)
    }


def without_unsure_ends(cells: Labels, flows: Flows) -> Labels:
    """Return cells without their first and last planes that the network doubts."""
    kept = cells.copy()
    for cell in np.unique(cells)[1:]:
        inside = cells == cell
        at = np.flatnonzero(inside.any(axis=(1, 2)))
        logits = np.array([flows.cellprob[z][inside[z]].mean() for z in at])
        sure = np.flatnonzero(logits >= SURE * logits.max())
        for z in (*at[: sure[0]], *at[sure[-1] + 1 :]):
            kept[z][inside[z]] = 0
    return kept


def joined_by_truth(planes: Labels, true: Labels) -> Labels:
    """Return the cells of planes with the ids of the true ones; others are left out."""
    shared = shares(planes, true)
    ids = np.zeros(int(planes.max()) + 1, np.uint32)
    for (cell, other), share in shared.items():
        if share > 0.5:
            ids[cell] = other
    return ids[planes]


def columns(
    path: Path, model: ModelSpec, networks: NetworkCache
) -> tuple[int, dict[str, Labels]]:
    """Return the number of true cells, and by method the masks of a volume."""
    image, quiet = open_images(path)[0], Checkpoint()
    shape = (image.planes, *image.shape[-2:])
    true = read_masks(true_masks(path)).labels.reshape(shape)
    joined = SegmentationParameters(
        postprocessing="automatic", stitch_threshold=OVERLAP
    )
    apart = segment(image, model, joined, quiet, networks=networks)
    volume = SegmentationParameters(
        postprocessing="automatic", do_3D=True, diameter=apart.parameters.diameter
    )
    whole = segment(image, model, volume, quiet, networks=networks)
    assert apart.maker is not None
    # Only cells that are the same in both planes are joined at 1.
    alone = {"stitch_threshold": 1.0, "min_size": -1}
    planes = apart.maker.masks(apart.parameters.model_copy(update=alone), quiet)
    planes = planes.reshape(shape)
    by_flows = joined_by_flows(planes, apart.flows)
    masks = {
        "in 3D": whole.labels.reshape(shape),
        f"joined by overlap, {OVERLAP}": apart.labels.reshape(shape),
        "by flows": by_flows,
        "by flows, without unsure ends": without_unsure_ends(by_flows, apart.flows),
        "by the true cells": joined_by_truth(planes, true),
    }
    cells = len(np.unique(true)) - 1
    return cells, {
        name: finished(one, SMALLEST) if name.startswith("by") else one
        for name, one in masks.items()
    } | {"": true}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, default=DATA)
    data = options.parse_args().data
    [model] = [one for one in shipped() if one.name == "nuclei-small"]
    networks = NetworkCache()
    with TemporaryDirectory() as folder:
        for n, (name, path) in enumerate(volumes(data, Path(folder))):
            cells, masks = columns(path, model, networks)
            true = masks.pop("")
            if not n:
                print("| volume | cells |", " | ".join(masks), "|")
                print("|---" * (len(masks) + 2) + "|")
            values = [
                ", ".join(f"{ap:.2f}" for ap in agreement(one, true).precision)
                for one in masks.values()
            ]
            print(f"| {name} | {cells} |", " | ".join(values), "|", flush=True)


if __name__ == "__main__":
    main()

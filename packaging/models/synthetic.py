"""Draws images of cells with their true masks, for models to be trained on.

.venv/bin/python packaging/models/synthetic.py KIND FOLDER [--count 60] [--seed 0]

They are no copies of a microscope's images, but vary more than a small set of those
does: size, density, touching cells, texture, uneven light, blur, noise, inverted
contrast, stains. Kinds: fluorescence, stain, phase.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import tifffile

Grey = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint16]
Random = np.random.Generator


@dataclass(frozen=True)
class Scene:
    """Where the cells of an image are.

    ``depth`` is 0 at the outline of a cell and 1 in its middle.
    """

    labels: Labels
    depth: Grey
    diameter: float


def smooth_noise(shape: tuple[int, ...], width: float, random: Random) -> Grey:
    """Return noise with features of ``width`` px, mean 0 and deviation 1."""
    coarse = np.ceil(np.array(shape) / max(width, 1)).astype(int) + 3
    noise = random.standard_normal(coarse, np.float32)
    size = tuple(int(n * max(width, 1)) + 1 for n in coarse)
    field = cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)
    field = field[: shape[0], : shape[1]]
    return (field - field.mean()) / (field.std() + 1e-6)


def outline(
    diameter: float, stretch: float, rough: float, arms: float, random: Random
) -> Grey:
    """Return the points (N, 2) of a closed outline around the origin, y and x."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones_like(angle)
    for wave in range(2, 7):
        phase = random.uniform(0, 2 * np.pi)
        radius += rough / wave * random.standard_normal() * np.cos(wave * angle + phase)
    for _ in range(random.integers(0, 5) if arms else 0):
        towards = np.cos(angle - random.uniform(0, 2 * np.pi))
        radius += arms * random.uniform(0.2, 1) * np.clip(towards, 0, 1) ** 16
    radius = np.maximum(radius, 0.35) * diameter / 2
    y = radius * np.sin(angle) / np.sqrt(stretch)
    x = radius * np.cos(angle) * np.sqrt(stretch)
    turn = random.uniform(0, np.pi)
    points = np.stack([y, x], 1)
    matrix = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return (points @ np.array(matrix)).astype(np.float32)


def scene(
    side: int,
    diameter: float,
    random: Random,
    stretch: float = 1.8,
    rough: float = 0.25,
    arms: float = 0.0,
) -> Scene:
    """Place cells of about ``diameter`` px, some of them touching."""
    labels = np.zeros((side, side), np.uint16)
    depth = np.zeros((side, side), np.float32)
    spread = random.uniform(0.05, 0.35)
    clumped = random.uniform(0, 0.8)
    rough = random.uniform(0.02, rough)
    covered = random.uniform(0.08, 0.6) * side * side
    centres: list[npt.NDArray[np.float64]] = []
    tries = 0
    while np.count_nonzero(labels) < covered and tries < 900:
        tries += 1
        size = diameter * np.exp(spread * random.standard_normal())
        if centres and random.random() < clumped:
            angle = random.uniform(0, 2 * np.pi)
            step = size * random.uniform(0.75, 1.1)
            beside = centres[random.integers(len(centres))]
            centre = beside + step * np.array([np.sin(angle), np.cos(angle)])
        else:
            centre = random.uniform(-diameter / 4, side + diameter / 4, 2)
        shape = outline(size, random.uniform(1, stretch), rough, arms, random)
        if _drawn(labels, depth, shape + centre, size):
            centres.append(centre)
    return Scene(labels, depth, diameter)


def _drawn(labels: Labels, depth: Grey, points: Grey, size: float) -> bool:
    """Add one cell; what others cover stays theirs. False if too little is left."""
    mask = np.zeros(labels.shape, np.uint8)
    cv2.fillPoly(mask, [np.round(points[:, ::-1]).astype(np.int32)], 1)
    whole = np.count_nonzero(mask)
    mask[labels > 0] = 0
    pieces, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if pieces < 2:
        return False
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    free = stats[largest, cv2.CC_STAT_AREA]
    if free < 0.75 * whole or free < 0.2 * size * size:
        return False
    mask = (parts == largest).astype(np.uint8)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    labels[mask > 0] = labels.max() + 1
    np.maximum(depth, inside / inside.max(), out=depth)
    return True


def per_cell(labels: Labels, spread: float, random: Random) -> Grey:
    """Return one value for each cell, about 1, and 0 between the cells."""
    values = np.exp(spread * random.standard_normal(labels.max() + 1, np.float32))
    values[0] = 0
    return values[labels]


def seen(image: Grey, blur: float, noise: float, random: Random) -> Grey:
    """Return ``image`` (Y, X) or (Y, X, C) as a camera behind a lens sees it."""
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    shot = np.sqrt(np.clip(image, 0, None)) * random.uniform(0, 1)
    spread = noise * (shot + random.uniform(0.1, 0.6))
    return image + spread * random.standard_normal(image.shape, np.float32)


def fluorescence(random: Random) -> tuple[npt.NDArray[np.uint16], Labels]:
    """Draw bright nuclei on a dark ground, sometimes the other way round."""
    diameter = float(np.exp(random.uniform(np.log(9), np.log(50))))
    side = int(np.clip(diameter * 15, 160, 512))
    cells = scene(side, diameter, random)
    shape = cells.labels.shape
    inside = (cells.labels > 0).astype(np.float32)
    texture = smooth_noise(shape, diameter * random.uniform(0.08, 0.3), random)
    grain = 1 + random.uniform(0, 0.35) * texture
    rounded = cells.depth ** random.uniform(0.0, 0.6)
    bright = per_cell(cells.labels, random.uniform(0.05, 0.6), random)
    image = bright * inside * rounded * np.clip(grain, 0.2, None)
    image = _spots(image, cells, random)
    ground = random.uniform(0.0, 0.4) * (
        1 + 0.5 * smooth_noise(shape, side / random.uniform(1, 5), random)
    )
    image = image + np.clip(ground, 0, None)
    if random.random() < 0.5:
        image = image + _out_of_focus(side, diameter, random)
    light = 1 + random.uniform(0, 0.3) * smooth_noise(shape, side / 1.5, random)
    image = image * np.clip(light, 0.2, None)
    blur = diameter * random.uniform(0, 0.07)
    image = seen(image, blur, random.uniform(0, 0.25), random)
    if random.random() < 0.15:
        image = image.max() - image
    return _as_uint16(image), cells.labels


def _spots(image: Grey, cells: Scene, random: Random) -> Grey:
    """Add nucleoli, which are dark, or bright foci."""
    width = cells.diameter * random.uniform(0.1, 0.25)
    peaks = smooth_noise(image.shape, width, random)
    spots = np.clip(peaks - random.uniform(1.2, 2.2), 0, 1) * (cells.labels > 0)
    factor = random.choice([-0.8, 0.0, 1.0]) * random.uniform(0.3, 1)
    return image * np.clip(1 + factor * spots, 0.1, None)


def _out_of_focus(side: int, diameter: float, random: Random) -> Grey:
    """Return cells above or below the plane, which are no cells of the image."""
    others = scene(side, diameter, random)
    haze = per_cell(others.labels, 0.4, random)
    blur = diameter * random.uniform(0.35, 0.8)
    return random.uniform(0.05, 0.35) * cv2.GaussianBlur(haze, (0, 0), blur)


def stain(random: Random) -> tuple[npt.NDArray[np.uint8], Labels]:
    """Draw nuclei in haematoxylin on a ground in eosin, by Beer and Lambert's law."""
    diameter = float(np.exp(random.uniform(np.log(11), np.log(36))))
    side = int(np.clip(diameter * 15, 192, 448))
    cells = scene(side, diameter, random, stretch=2.2)
    shape = cells.labels.shape
    inside = (cells.labels > 0).astype(np.float32)
    chromatin = smooth_noise(shape, diameter * random.uniform(0.06, 0.2), random)
    rim = 1 + random.uniform(-0.2, 0.6) * (1 - cells.depth)
    dye = per_cell(cells.labels, random.uniform(0.1, 0.4), random) * rim
    dye = dye * np.clip(1 + random.uniform(0.1, 0.4) * chromatin, 0.2, None) * inside
    haematoxylin = random.uniform(0.3, 1.4) * dye
    tissue = smooth_noise(shape, diameter * random.uniform(0.8, 3), random)
    fibres = smooth_noise(shape, diameter * random.uniform(0.1, 0.3), random)
    eosin = random.uniform(0.1, 0.6) * np.clip(
        1 + 0.6 * tissue + random.uniform(0, 0.5) * fibres, 0, None
    )
    holes = tissue < random.uniform(-2.5, -0.6)
    eosin = np.where(holes & (cells.labels == 0), 0.02, eosin)
    haematoxylin += random.uniform(0, 0.25) * np.clip(1 + 0.5 * tissue, 0, None)
    # Optical densities of both dyes in red, green and blue (Ruifrok & Johnston,
    # Analytical and Quantitative Cytology and Histology 23, 2001), and near them.
    densities = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
    densities = np.clip(densities + random.normal(0, 0.1, (2, 3)), 0.02, None)
    layers = np.stack([haematoxylin, eosin], -1).astype(np.float32)
    light = random.uniform(0.75, 1.0) * np.exp(-layers @ densities.astype(np.float32))
    blur = diameter * random.uniform(0, 0.05)
    light = seen(light, blur, random.uniform(0, 0.06), random)
    return (np.clip(light, 0, 1) * 255).astype(np.uint8), cells.labels


def phase(random: Random) -> tuple[npt.NDArray[np.uint16], Labels]:
    """Draw whole cells in phase contrast: a bright halo, a grainy and darker inside."""
    diameter = float(np.exp(random.uniform(np.log(26), np.log(70))))
    side = int(np.clip(diameter * 9, 320, 512))
    cells = scene(side, diameter, random, stretch=3, rough=0.5, arms=1.2)
    shape = cells.labels.shape
    inside = (cells.labels > 0).astype(np.float32)
    width = diameter * random.uniform(0.04, 0.1)
    # The microscope loses what varies slowly, which leaves a halo around each cell.
    thickness = per_cell(cells.labels, 0.4, random) * np.sqrt(cells.depth)
    halo = cv2.GaussianBlur(thickness, (0, 0), 2 * width + 1) - thickness
    edge = cv2.GaussianBlur(inside, (0, 0), width + 0.5) - inside
    grain = smooth_noise(shape, diameter * random.uniform(0.03, 0.08), random)
    blobs = smooth_noise(shape, diameter * random.uniform(0.15, 0.3), random)
    image = random.uniform(0.3, 1.0) * halo + random.uniform(0.3, 1.0) * edge
    image += inside * random.uniform(0.05, 0.3) * grain
    image += inside * random.uniform(0.0, 0.25) * blobs
    image += inside * random.uniform(-0.2, 0.15)
    image += random.uniform(0, 0.3) * smooth_noise(shape, side / 2, random)
    image = _rounded_up(image, cells, random)
    dirt = smooth_noise(shape, diameter * random.uniform(0.04, 0.1), random)
    specks = np.clip(dirt - random.uniform(2.2, 3.5), 0, 1)
    image += random.choice([-1.0, 1.0]) * random.uniform(0, 1) * specks
    image += random.uniform(0.0, 0.06) * smooth_noise(shape, 2.5, random)
    return _as_uint16(seen(image + 2, 0.7, 0.06, random)), cells.labels


def _rounded_up(image: Grey, cells: Scene, random: Random) -> Grey:
    """Make a few cells bright all over, as those that divide or have died."""
    chosen = random.random(cells.labels.max() + 1) < random.uniform(0, 0.25)
    chosen[0] = False
    bright = chosen[cells.labels] * np.sqrt(cells.depth)
    return np.asarray(image + random.uniform(0.5, 1.5) * bright, np.float32)


def _as_uint16(image: Grey) -> npt.NDArray[np.uint16]:
    image = image - image.min()
    return (image / max(float(image.max()), 1e-6) * 60000).astype(np.uint16)


KINDS: dict[str, Callable[[Random], tuple[npt.NDArray[np.generic], Labels]]] = {
    "fluorescence": fluorescence,
    "stain": stain,
    "phase": phase,
}


def write(kind: str, folder: Path, count: int, seed: int) -> None:
    """Write ``count`` images with their masks; the same for the same arguments."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        random = np.random.default_rng((seed, n, *kind.encode()))
        image, labels = KINDS[kind](random)
        path = folder / f"{kind}_{n:03d}.tif"
        photometric = "rgb" if image.ndim == 3 else "minisblack"
        tifffile.imwrite(path, image, photometric=photometric)
        tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(options.kind, options.folder, options.count, options.seed)


if __name__ == "__main__":
    main()

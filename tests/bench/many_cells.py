"""Images with 10,000 cells, and a film of as many, for benches of the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

SIDE, ACROSS = 4096, 101
PITCH = SIDE // ACROSS
FILM_SIDE, FILM_PITCH, FRAMES = 2048, 40, 4


def write(folder: Path, name: str) -> Path:
    """Write an image of two channels with 10,201 round cells, and their masks."""
    y, x = np.indices((SIDE, SIDE)) // PITCH
    v, u = np.indices((SIDE, SIDE)) % PITCH - PITCH // 2
    inside = (np.hypot(v, u) < 15) & (y < ACROSS) & (x < ACROSS)
    labels = np.where(inside, y * ACROSS + x + 1, 0).astype(np.uint16)
    pixels = np.random.default_rng(0).poisson(np.where(inside, 900, 100))
    both = np.stack([pixels, pixels // 2]).astype(np.uint16)
    path = folder / name
    tifffile.imwrite(path, both, imagej=True, metadata={"axes": "CYX"})
    tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), labels)
    return path


def write_nuclei(path: Path) -> None:
    """Write a nucleus for each cell beside an image, with ids in another order."""
    cells = tifffile.imread(path.with_name(f"{path.stem}_masks.tif"))
    v, u = (np.indices(cells.shape) % PITCH) - PITCH // 2
    nuclei = np.where((cells > 0) & (np.hypot(v, u) < 8), cells.max() + 1 - cells, 0)
    masks = path.with_name(f"{path.stem}_cp_masks.tif")
    tifffile.imwrite(masks, nuclei.astype(np.uint16))


def write_film(folder: Path) -> Path:
    """Write a film in which cells move, and have other ids in each time point."""
    across = FILM_SIDE // FILM_PITCH
    y, x = np.indices((FILM_SIDE, FILM_SIDE))
    frames = []
    for n in range(FRAMES):
        u = (x - 2 * n) % FILM_PITCH - FILM_PITCH // 2
        v = y % FILM_PITCH - FILM_PITCH // 2
        number = (y // FILM_PITCH * across + (x - 2 * n) // FILM_PITCH) % across**2
        inside = (np.hypot(v, u) < 15) & (x > 2 * n) & (y < across * FILM_PITCH)
        frames.append(np.where(inside, number + 1 + n * across**2, 0))
    path, masks = folder / "film.tif", np.stack(frames).astype(np.uint16)
    tifffile.imwrite(path, (masks > 0) * np.uint16(900), metadata={"axes": "TYX"})
    tifffile.imwrite(path.with_name("film_masks.tif"), masks)
    return path

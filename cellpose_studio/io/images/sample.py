"""The sample image: nuclei in a fluorescence microscope, drawn by this module.

The image is computed, because that needs no licence, and it has true masks for tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.atomic import replacing
from cellpose_studio.paths import data_dir

Plane = npt.NDArray[np.float64]

SHAPE = (384, 512)
PIXEL_UM = 0.325
"""Size of a pixel of a common camera behind an objective of 20x, µm."""

_SEED = 20
_NUCLEI = 80
_RADIUS, _SPREAD = 14.0, 0.14
"""Mean radius in pixels, and the standard deviation of its logarithm."""
_TOUCHING = 0.35
"""Share of the nuclei that lie against another one."""
_TRIES = 60
_BUMPS = (2, 3, 4, 5)
"""Waves around an outline; the first makes it an ellipse."""
_MITOTIC = 0.05
_OFFSET, _GAIN, _READ_NOISE = 105.0, 2.0, 3.5
"""Of a camera: grey values without light, per photon, and of the noise of reading."""


def sample_path() -> Path:
    """Return the file of the sample image, one plane of 384 × 512 pixels of 16 bits.

    It is written into the user's data folder when it is missing there, so that masks
    can be exported beside it.

    Raises
    ------
    CannotSave
        If it cannot be written.
    """
    path = data_dir() / "sample" / "nuclei.tif"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        _write(path, draw_nuclei()[0])
    return path


def _write(path: Path, pixels: npt.NDArray[np.uint16]) -> None:
    import tifffile

    metadata: dict[str, Any] = {"axes": "YX", "unit": "um"}
    with replacing(path) as part:
        tifffile.imwrite(
            part,
            pixels,
            imagej=True,
            resolution=(1 / PIXEL_UM, 1 / PIXEL_UM),
            metadata=metadata,
        )


def draw_nuclei() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Return the sample image and its true masks, both (384, 512); always the same."""
    # Imported here, because it would delay the start.
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(_SEED)
    masks = np.zeros(SHAPE, np.uint16)
    light = np.zeros(SHAPE)
    texture = _clouds(random, 1.6) + 0.7 * _clouds(random, 4.0)
    for cell, nucleus in enumerate(_placed(random), 1):
        box, thick = nucleus.box, nucleus.thickness()
        masks[box][(thick > 0) & (masks[box] == 0)] = cell
        chromatin = np.maximum(1 + nucleus.contrast * texture[box], 0.2)
        # Where two nuclei lie over each other, their light adds up.
        light[box] += nucleus.brightness * thick * chromatin
    # Light from above and below the focus is a wide haze around the nuclei.
    blurred = gaussian_filter(light, 1.3) + 0.35 * gaussian_filter(light, 14)
    photons = (blurred + _background(random)) * _vignette()
    seen = _GAIN * random.poisson(photons) + random.normal(0, _READ_NOISE, SHAPE)
    return np.clip(seen + _OFFSET, 0, 65535).astype(np.uint16), masks


@dataclass(frozen=True, kw_only=True)
class _Nucleus:
    """One nucleus: its place, its outline in polar coordinates, and its brightness."""

    centre: npt.NDArray[np.float64]
    radius: float
    bumps: npt.NDArray[np.float64]
    phases: npt.NDArray[np.float64]
    brightness: float
    contrast: float

    @property
    def is_seen(self) -> bool:
        """Whether at least its middle lies in the image."""
        return bool(np.all((self.centre >= 0) & (self.centre < SHAPE)))

    @property
    def box(self) -> tuple[slice, slice]:
        """The part of the image that holds it."""
        reach = 1.5 * self.radius
        low = np.clip(self.centre - reach, 0, SHAPE).astype(int)
        high = np.clip(self.centre + reach + 1, 0, SHAPE).astype(int)
        return slice(low[0], high[0]), slice(low[1], high[1])

    def thickness(self) -> Plane:
        """Return how thick it is at the pixels of its box, at most 1; 0 beside it."""
        y, x = np.mgrid[self.box]
        y, x = y - self.centre[0], x - self.centre[1]
        angle = np.arctan2(y, x)
        waves = np.array(_BUMPS)[:, None, None] * angle + self.phases[:, None, None]
        edge = self.radius * (1 + np.tensordot(self.bumps, np.cos(waves), 1))
        distance = np.hypot(y, x) / edge
        thick: Plane = np.clip(1 - distance**2, 0, 1) ** 0.25
        return thick


def _placed(random: np.random.Generator) -> list[_Nucleus]:
    """Return nuclei, some of which touch each other."""
    placed: list[_Nucleus] = []
    for _ in range(_NUCLEI):
        for _ in range(_TRIES):
            new = _made(random, _centre(random, placed))
            if new.is_seen and all(_apart(new, other) for other in placed):
                placed.append(new)
                break
    return placed


def _centre(
    random: np.random.Generator, placed: list[_Nucleus]
) -> npt.NDArray[np.float64]:
    if placed and random.random() < _TOUCHING:
        beside = placed[random.integers(len(placed))]
        angle = random.uniform(0, 2 * np.pi)
        step = beside.radius + _RADIUS * random.uniform(0.8, 1.05)
        return beside.centre + step * np.array([np.sin(angle), np.cos(angle)])
    return random.uniform(0, 1, 2) * SHAPE


def _apart(one: _Nucleus, other: _Nucleus) -> bool:
    distance = float(np.hypot(*(one.centre - other.centre)))
    return distance > 0.93 * (one.radius + other.radius)


def _made(random: np.random.Generator, centre: npt.NDArray[np.float64]) -> _Nucleus:
    mitotic = random.random() < _MITOTIC
    size = 0.6 if mitotic else 1.0
    return _Nucleus(
        centre=centre,
        radius=size * _RADIUS * float(np.exp(random.normal(0, _SPREAD))),
        bumps=random.normal(0, 1, 4) * np.array([0.13, 0.035, 0.02, 0.012]),
        phases=random.uniform(0, 2 * np.pi, 4),
        brightness=float(np.exp(random.normal(0, 0.4))) * (550 if mitotic else 190),
        contrast=0.08 if mitotic else float(random.uniform(0.1, 0.24)),
    )


def _clouds(random: np.random.Generator, size: float) -> Plane:
    """Return smooth noise of mean 0 and standard deviation 1."""
    from scipy.ndimage import gaussian_filter

    noise: Plane = gaussian_filter(random.normal(0, 1, SHAPE), size, mode="wrap")
    return (noise - noise.mean()) / noise.std()


def _background(random: np.random.Generator) -> Plane:
    """Return the light of medium and cytoplasm, uneven over the field."""
    y, x = np.indices(SHAPE) / np.reshape(SHAPE, (2, 1, 1))
    return np.maximum(14 + 16 * (0.6 * x + 0.4 * y) + 3 * _clouds(random, 60), 2)


def _vignette() -> Plane:
    """Return the share of the light that reaches a place: less in the corners."""
    y, x = np.indices(SHAPE) / np.reshape(SHAPE, (2, 1, 1)) - 0.5
    falloff: Plane = 1 - 0.45 * (y**2 + x**2)
    return falloff

"""Augmentation: varies images as other microscopes, stains and exposures would.

A network trained on few images overfits to their brightness, sharpness and noise. Each
crop is therefore taken from another variation of its image. The whole image is varied
and then normalised, as an image is before a run.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.intensities import non_finite
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.core.runs.parameters import GREY, Normalization
from cellpose_studio.engine.flows.prepare import network_input

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_FLAT = 1e-3
"""Contrast up to which an image counts as empty, as in Cellpose."""
_DYES = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
"""Absorption of haematoxylin, eosin and DAB in red, green and blue (Ruifrok & Johnston,
Analytical and Quantitative Cytology and Histology 23, 2001).
"""
_MOST_LIGHT = 99.5
"""Percentile of a channel that counts as light through no dye."""
_OFTEN = 0.6
"""Probability of each kind of change, so that few images undergo all of them."""


def normalized_input(pixels: FloatArray) -> FloatArray:
    """Return (Y, X), the network input for ``pixels`` (C, Y, X) in a run."""
    return network_input((GREY,), pixels[:, None], Normalization(), together=False)[
        0, :, :, 0
    ]


def vary(
    pixels: FloatArray,
    diameter: float,
    parameters: TrainingParameters,
    rng: np.random.Generator,
) -> FloatArray:
    """Return (Y, X), the network input for a random variation of ``pixels`` (C, Y, X).

    ``pixels`` are not changed. ``diameter`` (px) is what the blur is relative to.
    What is no number is 0, as in a run.
    """
    if parameters.stains and len(pixels) == 3 and rng.random() < _OFTEN:
        pixels = _stained(pixels, parameters.stains, rng)
    grey = _mixed(pixels, parameters.mix_channels, rng)
    holes = non_finite(grey)
    seen = _changed(_normalised(grey, holes, 1, 99), holes, diameter, parameters, rng)
    return seen if holes is None else np.where(holes, np.float32(0), seen)


def _changed(
    grey: FloatArray,
    holes: Mask | None,
    diameter: float,
    parameters: TrainingParameters,
    rng: np.random.Generator,
) -> FloatArray:
    if rng.random() < parameters.invert:
        grey = 1 - grey
    if parameters.shading and rng.random() < _OFTEN:
        grey = _shaded(grey, parameters.shading, rng)
    # The squares make weak blur and noise more frequent than strong ones.
    if parameters.blur and rng.random() < _OFTEN:
        grey = _blurred(grey, diameter * parameters.blur * rng.random() ** 2)
    if parameters.noise and rng.random() < _OFTEN:
        grey = _noisy(grey, parameters.noise * rng.random() ** 2, rng)
    if not parameters.shading:
        return _normalised(grey, holes, 1, 99)
    # Few or many cells in the field shift the percentiles of the same cells.
    seen = _normalised(grey, holes, rng.uniform(0, 2), rng.uniform(98, 99.9))
    return seen * np.float32(1 + parameters.shading * rng.uniform(-0.5, 0.5))


def _stained(
    pixels: FloatArray, strength: float, rng: np.random.Generator
) -> FloatArray:
    """Return red, green and blue (3, Y, X) with more or less of each dye.

    Light falls exponentially with the dye that it passes (Beer and Lambert's law).
    """
    known = np.isfinite(pixels).all(axis=0)
    if not known.any():
        return pixels
    light = np.percentile(pixels[:, known], _MOST_LIGHT, axis=1)
    light = np.maximum(light, _FLAT).astype(np.float32)[:, None, None]
    # No camera tells a thousandth of the light from none.
    density = -np.log(np.clip(pixels / light, 1e-3, 1e3))
    amounts = np.exp(strength * rng.uniform(-1, 1, len(_DYES)))
    change = (np.linalg.inv(_DYES) * amounts) @ _DYES
    changed = np.tensordot(change.T.astype(np.float32), density, 1)
    seen = light * np.exp(-np.clip(changed, -20, 20))
    return np.where(known, seen, np.float32(np.nan))


def _mixed(
    pixels: FloatArray, how_often: float, rng: np.random.Generator
) -> FloatArray:
    """Return the mean of the channels (Y, X), or a random mix of them."""
    channels = len(pixels)
    if channels == 1 or rng.random() >= how_often:
        return pixels.mean(axis=0)
    weights = rng.dirichlet(np.ones(channels)).astype(np.float32)
    return np.tensordot(weights, pixels, 1)


def _normalised(
    grey: FloatArray, holes: Mask | None, low: float, high: float
) -> FloatArray:
    """Return ``grey`` with these percentiles at 0 and 1, and 0 in holes."""
    # A part of the pixels of a large image tells them as well.
    step = 1 + max(grey.shape) // 512
    seen = grey[::step, ::step]
    if holes is not None:
        seen = seen[~holes[::step, ::step]]
    dark, bright = np.percentile(seen, (low, high)) if seen.size else (0, 0)
    if bright - dark <= _FLAT:
        return np.zeros_like(grey, np.float32)
    normalised = ((grey - dark) / (bright - dark)).astype(np.float32)
    return normalised if holes is None else np.where(holes, np.float32(0), normalised)


def _shaded(grey: FloatArray, strength: float, rng: np.random.Generator) -> FloatArray:
    """Return ``grey`` with another gamma, uneven illumination and background haze."""
    # Powers of negative numbers are undefined, so the darkest pixel becomes 0 first.
    dark = min(float(grey.min()), 0.0)
    gamma = np.exp(strength * rng.uniform(-1, 1))
    curved = np.maximum(grey - dark, 0) ** np.float32(gamma)
    field = _uneven(grey.shape, rng)
    light = 1 + strength * rng.uniform(0, 0.8) * field
    haze = strength * rng.uniform(0, 0.5) * _uneven(grey.shape, rng)
    return np.asarray(curved * light + haze, np.float32)


def _uneven(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Return a smooth field of ``shape`` between -1 and 1."""
    coarse = rng.uniform(-1, 1, rng.integers(2, 5, 2)).astype(np.float32)
    size = (shape[1], shape[0])
    field = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return np.clip(field, -1, 1)


def _blurred(grey: FloatArray, sigma: float) -> FloatArray:
    # So narrow a Gaussian hardly reaches the next pixel.
    if sigma < 0.2:
        return grey
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma))


def _noisy(grey: FloatArray, strength: float, rng: np.random.Generator) -> FloatArray:
    """Add camera noise, and shot noise that grows with the brightness."""
    shot = rng.random()
    spread = (1 - shot) + shot * np.sqrt(np.clip(grey, 0, 2))
    noise = rng.standard_normal(grey.shape, np.float32)
    return np.asarray(grey + strength * spread * noise, np.float32)

"""Runs in 3D: how flows are smoothed, what was assumed, and what is unreliable."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import SegmentationParameters

FloatArray = npt.NDArray[np.float32]

_FEWEST_PLANES = 4.0
"""Planes that a cell should have, so that its sides show how high it is."""

_MOST_ANISOTROPY = 5.0
"""Beyond it, most of what the network sees from the sides is interpolated."""

_LEAST_AGREEMENT = 0.5
"""IoU of what is seen from above and from the sides, below which they contradict."""


_SMOOTHING = 1 / 8
"""Width of the Gaussian over the flows of a volume, per diameter, to clean cells."""


def flow_smoothing(
    parameters: SegmentationParameters, scale: float
) -> tuple[float, float, float]:
    """Return sigma (Z, Y, X) of a Gaussian over flows of a volume, px; 0 is none.

    Cellpose takes one for all axes. Where cells are cleaned, it is as wide in space
    along each of them, and depends on the diameter if the user sets none.

    Parameters
    ----------
    parameters
        As completed by the run, with diameter and anisotropy.
    scale
        Network pixels per image pixel; without full resolution, flows are at these.
    """
    sigma = parameters.flow3D_smooth
    if not parameters.do_3D:
        return 0.0, 0.0, 0.0
    if not parameters.cleans:
        return sigma, sigma, sigma
    sigma = sigma or _SMOOTHING * (parameters.diameter or 0.0)
    if not parameters.resample:
        return sigma * scale, sigma * scale, sigma * scale
    return sigma / (parameters.anisotropy or 1.0), sigma, sigma


def smoothed(dP: FloatArray, sigma: tuple[float, float, float]) -> FloatArray:
    """Return flows (A, Z, Y, X) after a Gaussian filter of ``sigma`` (Z, Y, X), px."""
    from scipy.ndimage import gaussian_filter

    if not any(sigma):
        return dP
    # The first axis counts the components of the flows, which must not be mixed.
    return np.asarray(gaussian_filter(dP, [0, *sigma]))


def notes_on_unknown(
    parameters: SegmentationParameters, image: ImageSource
) -> tuple[str, ...]:
    """Return what neither the user nor the file says, though the result needs it."""
    if not parameters.do_3D or parameters.anisotropy or image.anisotropy:
        return ()
    return (
        f"{image.name} does not say how far apart its planes are; they were taken to "
        "be as far as its pixels. If they are not, set the anisotropy.",
    )


def notes_on_volume(
    parameters: SegmentationParameters, agreement: float | None
) -> tuple[str, ...]:
    """Return why cells of a volume may be wrong; empty if nothing tells so.

    Parameters
    ----------
    parameters
        As completed by the run, with diameter and anisotropy.
    agreement
        IoU of the pixels that belong to cells as seen from above, and from the sides;
        None if it is unknown.
    """
    if not parameters.do_3D:
        return ()
    reasons = list(_reasons(parameters, agreement))
    if not reasons:
        return ()
    return (
        f"3D is unreliable here: {'; '.join(reasons)}. Compare it with a run plane by "
        "plane, whose cells are joined by overlap, and check cells from the side.",
    )


def _reasons(
    parameters: SegmentationParameters, agreement: float | None
) -> Iterator[str]:
    anisotropy = parameters.anisotropy or 1.0
    planes = (parameters.diameter or 0.0) / anisotropy
    if 0 < planes < _FEWEST_PLANES:
        yield f"a cell has about {planes:.1f} planes"
    if anisotropy > _MOST_ANISOTROPY:
        yield f"planes are {anisotropy:.3g} pixels apart"
    if agreement is not None and agreement < _LEAST_AGREEMENT:
        yield (
            "from above and from the sides, the network sees cells in different "
            f"places ({agreement:.0%} in common)"
        )

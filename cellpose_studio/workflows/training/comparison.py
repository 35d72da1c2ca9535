"""Whether a model is better than its parent, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.models.card import ParentComparison

_SAMPLES = 10_000


def compare_with_parent(
    before: Sequence[float], after: Sequence[float]
) -> ParentComparison | None:
    """Compare the APs of the same images, whose difference is bootstrapped over them.

    Images without any cells, whose AP is NaN, do not count. None if none does. One
    image has no spread, so its difference has no interval.
    """
    pairs = np.array([before, after], np.float64)
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    count = pairs.shape[1]
    if not count:
        return None
    low, high = _interval(pairs[1] - pairs[0]) if count > 1 else (None, None)
    return ParentComparison(
        images=count,
        before=round(float(pairs[0].mean()), 4),
        after=round(float(pairs[1].mean()), 4),
        low=low,
        high=high,
    )


def _interval(change: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the 2.5 and 97.5 % of the means of bootstrap samples."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(change), size=(_SAMPLES, len(change)))
    low, high = np.percentile(change[drawn].mean(axis=1), (2.5, 97.5))
    return round(float(low), 4), round(float(high), 4)

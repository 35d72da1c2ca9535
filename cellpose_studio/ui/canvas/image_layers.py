"""Where the layers of an image lie, and how bright they are at first."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellpose_studio.core.display.thumbnail import CONTRAST, thinned_plane
from cellpose_studio.core.images.image import ImageSource


def placed(image: ImageSource) -> dict[str, Any]:
    """Return where the layers of ``image`` lie in space."""
    known = image.pixel_size_um[1] is not None
    axes = len(image.label_shape)
    frames = image.frames > 1
    units = ["pixel"] * frames + ["um" if known else "pixel"] * (axes - frames)
    return {"scale": image.label_scale, "units": units}


def axis_labels(image: ImageSource) -> list[str]:
    """Return the letters of the axes of the layers of ``image``."""
    axes = zip("TZ", (image.frames, image.planes), strict=True)
    return [*(letter for letter, length in axes if length > 1), "Y", "X"]


def contrast(image: ImageSource, channel: int) -> tuple[float, float]:
    """Return limits that show most of the middle plane; a few pixels may be cut."""
    seen = thinned_plane(image, channel).astype(np.float64)
    low, high = np.percentile(seen, CONTRAST)
    return (float(low), float(high)) if low < high else (float(low), float(low) + 1)

"""Pictures of cuts along Z through a stack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.composite import Rgb, composite, overlay
from cellpose_studio.ui.canvas.appearance import ChannelAppearance, MasksAppearance

Stack = npt.NDArray[np.generic]
Cut = tuple[slice | int, ...]

_FINEST = 16


def stretch_of(scale: Sequence[float]) -> int:
    """Return the number of picture rows for each plane.

    It makes the outlines of cells about as thin along Z as in the plane.

    Parameters
    ----------
    scale
        Size of a pixel along Z, Y and X.
    """
    return min(max(round(scale[0] / scale[1]), 1), _FINEST)


def cut_picture(
    stack: Stack | None,
    channels: Sequence[ChannelAppearance],
    masks: Sequence[MasksAppearance],
    cut: Cut,
    time: Sequence[int],
    stretch: int,
) -> Rgb | None:
    """Return the picture (Z * stretch, N, RGB) of a cut; None if nothing is visible.

    Parameters
    ----------
    stack
        (C, Z, Y, X) of a time point; without it, masks are drawn on black.
    channels, masks
        Their appearance on the canvas.
    cut
        Index of Z, Y and X; one of Y and X is a number.
    time
        Index of the time point in the masks; empty if there is only one.
    """
    rgb = None
    if stack is not None and channels:
        shown = [
            appearance.of(_channel(stack, appearance, cut)) for appearance in channels
        ]
        rgb = np.repeat(composite(shown), stretch, axis=0)
    for appearance in masks:
        labels = np.repeat(appearance.labels[(*time, *cut)], stretch, axis=0)
        if rgb is None:
            rgb = np.zeros((*labels.shape, 3), np.uint8)
        rgb = overlay(
            rgb, appearance.picture(labels), appearance.table, appearance.opacity
        )
    return rgb


def _channel(stack: Stack, appearance: ChannelAppearance, cut: Cut) -> Stack:
    if appearance.channel is None:
        return np.moveaxis(stack[(slice(0, 3), *cut)], 0, -1)
    return stack[(appearance.channel, *cut)]

"""Dynamics: moves pixels along the flows.

The Euler integration of Cellpose's ``dynamics.steps_interp`` (Stringer et al., Nature
Methods 18, 2021), with the same numbers. That function cannot be cancelled, and moves
all pixels by one step before the next step. Here groups of pixels that fit into the
processor's cache run through all steps, which takes half the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from cellpose_studio.engine.masks.trajectories import AT_REST

_AT_ONCE = {2: 25_000_000, 3: 4_000_000}
"""Pixels times steps between two checks, by the number of axes: tenths of a second."""

_BETWEEN_LOOKS = 100
"""Steps after which it is looked whether pixels still move."""


def follow(
    dP: npt.NDArray[np.float32],
    points: tuple[npt.NDArray[np.int64], ...],
    steps: int,
    device: torch.device,
    check: Callable[[], None],
    to_rest: bool = False,
) -> tuple[Tensor, int]:
    """Return the pixels (A, N) that ``points`` reach after ``steps``, int32.

    The second value tells after how many steps all of them were at rest, at most
    `_BETWEEN_LOOKS` too many; ``steps`` if they never were.

    Parameters
    ----------
    dP
        Flow field (A, ...) along the A axes of an image, five times unit vectors.
    points
        For each axis the N coordinates to start from, as ``np.nonzero`` gives them.
        The field counts as zero everywhere else.
    check
        Called several times a second; its exceptions propagate.
    to_rest
        Stop before the last step if all that is left is to circle round one place.
    """
    # Torch's order of axes is X first, and its coordinates run from -1 to 1.
    ends = torch.tensor(dP.shape[:0:-1], dtype=torch.float32, device=device) - 1
    start = torch.from_numpy(np.stack(points[::-1], axis=-1)).to(device, torch.float32)
    start = start / ends * 2 - 1
    field = _field(dP, points).to(device)
    # Cellpose scales positions by the side less one, but samples with `align_corners`
    # False. Its pixels are only met if both are done here as well.
    field *= (2 / ends).view(-1, *[1] * len(ends))
    parts, rested = [], 0
    for part in start.split(max(1, _AT_ONCE[len(ends)] // steps)):
        check()
        found, after = _carried(part, field, steps, ends, to_rest)
        parts.append(found)
        rested = max(rested, after)
    pixels = (torch.cat(parts) + 1) * 0.5 * ends
    # Cellpose truncates the positions rather than rounding them.
    return pixels.int().flip(1).T.contiguous(), rested


def _field(
    dP: npt.NDArray[np.float32], points: tuple[npt.NDArray[np.int64], ...]
) -> Tensor:
    """Return the unit vectors at ``points``, X first."""
    here: tuple[Any, ...] = (slice(None), *points)
    field = np.zeros_like(dP)
    field[here] = dP[::-1][here] / 5
    return torch.from_numpy(field)


def _carried(
    start: Tensor, field: Tensor, steps: int, sides: Tensor, to_rest: bool
) -> tuple[Tensor, int]:
    """Return the positions (N, A) that ``start`` reaches, and after what all rest.

    ``sides`` are those of the image less one, X first.
    """
    axes = start.shape[1]
    # `grid_sample` expects a grid of positions, of which these are a single row.
    at = start.clone().view(*[1] * axes, -1, axes)
    before, rested = at.clone(), steps
    for n in range(1, steps + 1):
        step = grid_sample(field[None], at, align_corners=False)
        at += step.view(axes, -1).T
        # As in Cellpose, pixels stop at the border instead of leaving the image.
        at.clamp_(-1, 1)
        if rested == steps and n % _BETWEEN_LOOKS == 0:
            if float(((at - before).abs() * sides / 2).max()) < AT_REST:
                rested = n - _BETWEEN_LOOKS
                if to_rest:
                    break
            before = at.clone()
    return at.view(-1, axes), rested

"""Takes the camera to a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cellpose_studio.ui.canvas.canvas import Canvas

_SMALL, _LARGE, _GOOD = 1 / 14, 1 / 2.5, 1 / 5
"""Parts of the shorter side of the view that a cell takes up at least, at most, and
after the zoom was changed."""


def center_on(
    canvas: Canvas, centre: Sequence[float], size: float, scale: Sequence[float]
) -> None:
    """Show the plane that ``centre`` lies in, with it in the middle of the view.

    Parameters
    ----------
    centre
        In pixels along each axis of the masks.
    size
        Of what is to be seen there, in pixels of Y and X.
    scale
        Of a pixel along each axis of the masks.
    """
    dims, camera = canvas.model.dims, canvas.model.scene.camera
    for axis, at in enumerate(centre[:-2]):
        dims.set_current_step(axis, round(at))
    native = canvas.widget.canvas.native
    view = min(native.width(), native.height())
    wanted = zoom_for(size * max(scale[-2:]), view, camera.zoom)
    if wanted != camera.zoom:
        camera.zoom = wanted
    world = np.array(centre) * np.array(scale)
    if dims.ndisplay == 3:
        camera.center = tuple(world[-3:].tolist())
    else:
        camera.center = (*camera.center[:-2], float(world[-2]), float(world[-1]))


def show_region(
    canvas: Canvas, region: Sequence[slice], scale: Sequence[float]
) -> None:
    """Show a region of the masks: its plane, and its middle if that is out of view.

    The zoom stays, and so does a view that shows the middle already.
    """
    dims, camera = canvas.model.dims, canvas.model.scene.camera
    for axis, part in enumerate(region[:-2]):
        if not part.start <= dims.current_step[axis] < part.stop:
            dims.set_current_step(axis, (part.start + part.stop - 1) // 2)
    native = canvas.widget.canvas.native
    view = np.array([native.height(), native.width()]) / camera.zoom
    middle = np.array([(part.start + part.stop - 1) / 2 for part in region[-2:]])
    world = middle * np.array(scale[-2:])
    if (np.abs(world - camera.center[-2:]) > view / 2).any():
        camera.center = (*camera.center[:-2], *world.tolist())


def zoom_for(size: float, view: float, zoom: float) -> float:
    """Return the zoom at which something of that size is seen well in a view.

    That is the one at present if it will do: a view that jumps in and out from one
    cell to the next tires the eye.
    """
    seen = size * zoom / max(view, 1)
    return zoom if _SMALL <= seen <= _LARGE else _GOOD * view / max(size, 1e-9)

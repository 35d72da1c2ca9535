"""All of Cellpose that the engine uses; no other module imports it.

Import from here inside functions: Cellpose and torch take seconds to load.
"""

# ruff: noqa: E402

from __future__ import annotations

from cellpose_studio.engine.torchvision_ops import import_torchvision

# Cellpose imports torchvision, which may not fit the installed torch.
import_torchvision()

from cellpose import vit
from cellpose.dynamics import get_masks_torch
from cellpose.metrics import average_precision
from cellpose.transforms import (
    average_tiles,
    get_pad_yx,
    make_tiles,
    normalize_img,
    random_rotate_and_resize,
    resize_image,
    resize_image_3d,
    smooth_sharpen_img,
    unaugment_tiles,
)
from cellpose.utils import diameters, fill_holes_and_remove_small_masks

__all__ = [
    "average_precision",
    "average_tiles",
    "diameters",
    "fill_holes_and_remove_small_masks",
    "get_masks_torch",
    "get_pad_yx",
    "make_tiles",
    "normalize_img",
    "random_rotate_and_resize",
    "resize_image",
    "resize_image_3d",
    "smooth_sharpen_img",
    "unaugment_tiles",
    "vit",
]

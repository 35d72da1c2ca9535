"""All of Cellpose that the engine uses; no other module imports it.

Import from here inside functions: Cellpose and torch take seconds to load. Each part
of Cellpose is imported with the first name that is asked for: most runs need its
``transforms`` only, and the others load SciPy's statistics and geometry.
"""

from __future__ import annotations

from typing import Any

from cellpose_studio.engine.torchvision_ops import import_operators, import_torchvision

# Cellpose imports torchvision, which may not fit the installed torch.
import_torchvision()

_TRANSFORMS = frozenset(
    {
        "average_tiles",
        "get_pad_yx",
        "make_tiles",
        "normalize_img",
        "random_rotate_and_resize",
        "resize_image",
        "resize_image_3d",
        "smooth_sharpen_img",
        "unaugment_tiles",
    }
)
_UTILS = frozenset({"diameters", "fill_holes_and_remove_small_masks"})


def __getattr__(name: str) -> Any:
    """Return what Cellpose calls ``name``; `load_all` names all there is."""
    if name in _TRANSFORMS:
        from cellpose import transforms

        return getattr(transforms, name)
    if name in _UTILS:
        from cellpose import utils

        return getattr(utils, name)
    if name == "get_masks_torch":
        from cellpose.dynamics import get_masks_torch

        return get_masks_torch
    if name == "vit":
        import_operators()
        from cellpose import vit

        return vit
    if name == "get_rel_pos":
        import_operators()
        # Cellpose's encoder is that of this package.
        from segment_anything.modeling.image_encoder import get_rel_pos

        return get_rel_pos
    raise AttributeError(name)


def load_all() -> None:
    """Import all parts, before somebody waits for one of them."""
    for name in (*_TRANSFORMS, *_UTILS, "get_masks_torch", "vit"):
        __getattr__(name)

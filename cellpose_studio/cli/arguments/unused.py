"""Options of a command that an image has no use for."""

from __future__ import annotations

import argparse

from cellpose_studio.core.images.image import ImageSource


def unused(options: argparse.Namespace, image: ImageSource) -> list[str]:
    """Return a sentence for each option that was given, but does nothing here."""
    reasons = {
        f"--axes {options.axes}": _no_use_for_axes(options.axes, image),
        "--stitch-threshold": _no_stitching(options, image),
        "--anisotropy": _only_for_3d(options.anisotropy, options),
        "--flow3D-smooth": _only_for_3d(options.flow3D_smooth, options),
    }
    return [f"{name} was not used: {why}." for name, why in reasons.items() if why]


def _no_use_for_axes(axes: str | None, image: ImageSource) -> str:
    if axes is None or axes.strip().upper() == image.file_axes:
        return ""
    return f"the file says that its axes are {image.file_axes}"


def _no_stitching(options: argparse.Namespace, image: ImageSource) -> str:
    if not options.stitch_threshold:
        return ""
    if options.do_3D:
        return "3D joins the planes by itself"
    if image.planes > 1:
        return ""
    if image.frames > 1:
        return "it joins the planes of a stack, not time points"
    return "the image is a single plane"


def _only_for_3d(value: float | None, options: argparse.Namespace) -> str:
    return "it is for --do-3D" if value and not options.do_3D else ""

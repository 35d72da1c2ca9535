"""Versions of what a result depends on; found without importing any of it."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from cellpose_studio import __version__

PACKAGES = (
    "torch",
    "cellpose",
    "numpy",
    "opencv-python-headless",
    "scipy",
    "numba",
    "fastremap",
    "fill-voids",
    "scikit-image",
    "tifffile",
    "imagecodecs",
    "zarr",
)

_MODULES = {"opencv-python-headless": "cv2", "scikit-image": "skimage"}


def versions() -> dict[str, str]:
    """Return versions by the names of packages, Python's among them.

    A package without metadata, as in a bundle that left them out, says itself what
    it is if it was imported; otherwise it is left out.
    """
    found = {name: _version(name) for name in PACKAGES}
    return {
        "cellpose-studio": __version__,
        "python": platform.python_version(),
        **{name: version for name, version in found.items() if version},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        module = sys.modules.get(_MODULES.get(package, package.replace("-", "_")))
        return str(getattr(module, "__version__", ""))

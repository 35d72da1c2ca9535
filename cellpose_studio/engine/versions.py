"""Versions of the packages that a result depends on, found without importing them."""

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
    """Return the versions of the packages and of Python by name.

    A package without metadata, as in a bundle without them, is asked for its
    ``__version__`` if it was imported, and omitted otherwise.
    """
    found = {name: version_of(name) for name in PACKAGES}
    return {
        "cellpose-studio": __version__,
        "python": platform.python_version(),
        **{name: version for name, version in found.items() if version},
    }


def version_of(package: str) -> str:
    """Return the version of a package; "" if it cannot be found."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        module = sys.modules.get(_MODULES.get(package, package.replace("-", "_")))
        return str(getattr(module, "__version__", ""))

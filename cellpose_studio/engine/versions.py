"""Versions of the packages that a result depends on, found without importing them."""

from __future__ import annotations

import platform
import sys
from importlib import metadata, util

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


def versions(engine: str = "") -> dict[str, str]:
    """Return the versions of the packages and of Python by name.

    Those of an optional package only with the ``engine`` that uses it.

    A package without metadata, as in a bundle without them, is asked for its
    ``__version__`` if it was imported, and omitted otherwise.
    """
    optional = ("openvino",) if engine == "openvino" else ()
    found = {name: version_of(name) for name in (*PACKAGES, *optional)}
    return {
        "cellpose-studio": __version__,
        "python": platform.python_version(),
        **{name: version for name, version in found.items() if version},
    }


def has_openvino() -> bool:
    """Return whether OpenVINO, an optional package, is installed."""
    return util.find_spec("openvino") is not None


def version_of(package: str) -> str:
    """Return the version of a package; "" if it cannot be found."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        module = sys.modules.get(_MODULES.get(package, package.replace("-", "_")))
        return str(getattr(module, "__version__", ""))

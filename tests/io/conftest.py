"""What tests of files share."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cellpose_studio.core.images.image import ImageSource


@pytest.fixture(scope="session")
def image_at():
    """Return a function that describes an image of a path and a TCZYX shape."""

    def image(path: Path, shape: tuple[int, ...]) -> ImageSource:
        return ImageSource(
            path=path,
            scene="",
            shape=shape,
            dtype=np.dtype(np.uint8),
            file_axes="TCZYX",
            pixel_size_um=(None, None, None),
            channel_names=tuple(f"Channel {n + 1}" for n in range(shape[1])),
            rgb=False,
            fingerprint="",
            reader=None,
        )

    return image


@pytest.fixture(scope="session")
def cellpose_io() -> ModuleType:
    """Return Cellpose's own reading and writing of files."""
    from cellpose_studio.engine.torchvision_ops import make_importable

    make_importable()
    import cellpose.io

    return cellpose.io

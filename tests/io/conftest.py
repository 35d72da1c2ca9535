"""What tests of files share."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def cellpose_io() -> ModuleType:
    """Return Cellpose's own reading and writing of files."""
    from cellpose_studio.engine.torchvision_ops import make_importable

    make_importable()
    import cellpose.io

    return cellpose.io

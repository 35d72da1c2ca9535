"""Loads Cellpose ahead of its first use."""

from __future__ import annotations

from cellpose_studio.engine.torchvision_ops import make_importable


def load_cellpose() -> None:
    """Import the part of Cellpose that a run needs, and torch with it."""
    make_importable()
    # The models module brings all others.
    import cellpose.models  # noqa: F401

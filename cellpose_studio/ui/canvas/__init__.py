"""The napari canvas. The only package that knows napari.

Private names of napari are marked PRIVATE: check them on each upgrade.
"""

from __future__ import annotations

import os
from pathlib import Path

from cellpose_studio.ui.canvas.canvas import Canvas

__all__ = ["Canvas", "isolate_napari"]


def isolate_napari(config: Path | None) -> None:
    """Give napari a settings file of ours, or none; before napari is imported.

    It reads ``NAPARI_CONFIG`` once. An empty one keeps the settings in memory.
    """
    os.environ["NAPARI_CONFIG"] = str(config or "")

"""The napari canvas; the only package that imports napari.

Private names of napari are marked PRIVATE: check them on each upgrade.
"""

from __future__ import annotations

import os
from pathlib import Path

from cellpose_studio.ui.canvas.canvas import Canvas

__all__ = ["Canvas", "isolate_napari"]


def isolate_napari(config: Path | None) -> None:
    """Point napari to a settings file of its own; call before napari is imported.

    Napari reads ``NAPARI_CONFIG`` once, at import.

    Parameters
    ----------
    config
        Without it, napari keeps its settings in memory only.
    """
    os.environ["NAPARI_CONFIG"] = str(config or "")

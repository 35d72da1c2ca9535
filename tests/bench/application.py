"""The application of a bench, in a folder of its own, and masks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication


@contextmanager
def application(
    folder: Path | None = None,
) -> Iterator[tuple[QApplication, Path]]:
    """Yield the application, and a folder for files; one that goes with it if None."""
    with ExitStack() as stack:
        folder = folder or Path(stack.enter_context(TemporaryDirectory()))
        os.environ["CELLPOSE_STUDIO_HOME"] = str(folder / "home")
        # What is imported here asks for the folder of the application.
        from cellpose_studio.ui.canvas import isolate_napari

        isolate_napari(None)
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
        yield QApplication(sys.argv[:1]), folder


def masks_of(pixels: Any) -> Any:
    """Return masks with these labels, as the thread of a run makes them."""
    from cellpose_studio.app.masks.label_set import LabelImage, LabelSet

    labels = LabelSet(
        name="cells",
        pixels=LabelImage(pixels),
        origin="bench",
        cells=int(pixels.max()),
    )
    labels.pixels.cell_table()
    return labels

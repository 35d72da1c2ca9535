"""The application of a bench, in a folder of its own, and masks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pulse import DrawingApplication
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
        app = DrawingApplication(sys.argv[:1])
        _tell_from_drawing(app)
        yield app, folder


def _tell_from_drawing(app: DrawingApplication) -> None:
    """Say what of a turn of the event loop is napari's, and what is not drawing.

    That is how napari makes, refreshes and removes layers, but for the pictures of
    masks in it, and what the application does before a frame.
    """
    from napari.components import LayerList, ViewerModel
    from napari.layers import Image, Layer

    from cellpose_studio.ui.canvas.layers import labels_layer
    from cellpose_studio.ui.canvas.viewer.frames import Frames

    theirs = [(ViewerModel, "add_layer"), (LayerList, "remove"), (LayerList, "clear")]
    theirs += [(Image, "__init__"), (Layer, "refresh")]
    for owner, name in theirs:
        setattr(owner, name, app.counted(getattr(owner, name), drawing=True))
    for name in ("draw_labels", "apply_ranks", "draw_marks"):
        ours = app.counted(getattr(labels_layer, name), drawing=False)
        setattr(labels_layer, name, ours)
    call_before = Frames.call_before

    def counted(frames: Frames, action: Callable[[], None]) -> None:
        call_before(frames, app.counted(action, drawing=False))

    # The window is made afterwards.
    Frames.call_before = counted  # type: ignore[method-assign]


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

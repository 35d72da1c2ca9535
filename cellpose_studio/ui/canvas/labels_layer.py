"""The kind of napari layer that shows masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.label_marks import apply_ranks, draw_marks
from cellpose_studio.core.display.label_picture import (
    OUTLINE,
    draw_labels,
    redraw_labels,
)


def labels_layer() -> type[Any]:
    """Return a layer of masks that is drawn by `core.display.label_picture`.

    See docs/label-display.md for why.
    """
    from napari import layers
    from napari._qt.layer_controls import (  # PRIVATE
        qt_layer_controls_container as container,
    )
    from napari._qt.layer_controls.qt_layer_controls_base import (  # PRIVATE
        QtLayerControls,
    )

    # Napari finds the icon by the name of the class.
    class Labels(layers.Labels):
        ranks: npt.NDArray[np.uint8] | None = None
        by_rank = False
        marks: npt.NDArray[np.uint8] | None = None

        def _raw_to_displayed(  # PRIVATE
            self,
            raw: npt.NDArray[np.uint32],
            data_slice: tuple[slice, ...] | None = None,
        ) -> npt.NDArray[np.uint8]:
            """Return the picture of ``raw``, or of a part after a change in it."""
            if data_slice is None:
                drawn = self.drawn(raw)
                # A body has one colour, or its shading would show the outlines.
                if self._slice_input.ndisplay == 3:  # PRIVATE
                    drawn &= ~np.uint8(OUTLINE)
                return drawn
            drawn = self.picture
            box = redraw_labels(drawn, raw, data_slice)
            drawn[box] = self._ranked(drawn[box], raw[box])
            self._mark(drawn, raw, box)
            return drawn[data_slice].copy()

        @property
        def picture(self) -> npt.NDArray[np.uint8]:
            """What is on the screen, as `core.display.label_picture` codes it."""
            return self._slice.image.view  # PRIVATE

        def drawn(self, raw: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
            """Return the picture of labels as this layer shows them."""
            drawn = self._ranked(draw_labels(raw), raw)
            self._mark(drawn, raw, tuple(slice(0, size) for size in raw.shape))
            return drawn

        def _mark(
            self,
            drawn: npt.NDArray[np.uint8],
            raw: npt.NDArray[np.uint32],
            box: tuple[slice, ...],
        ) -> None:
            if self.marks is not None:
                draw_marks(drawn, raw, box, self.marks)

        def _ranked(
            self, drawn: npt.NDArray[np.uint8], raw: npt.NDArray[np.uint32]
        ) -> npt.NDArray[np.uint8]:
            if self.by_rank and self.ranks is not None:
                return apply_ranks(drawn, raw, self.ranks)
            return drawn

    # Those of napari's own layer offer settings that this one does not have.
    container.layer_to_controls[Labels] = QtLayerControls
    return Labels

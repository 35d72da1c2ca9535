"""The kind of napari layer that shows masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.cell_colours import UNKNOWN_RANK, CellColours
from cellpose_studio.core.display.label_marks import (
    DrawnLabels,
    apply_ranks,
    draw_marks,
)
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
    from napari.layers._multiscale_data import MultiScaleData  # PRIVATE

    # The class has to be called Labels: napari takes the type of a layer from it.
    class Labels(layers.Labels):
        ranks: npt.NDArray[np.uint8] | None = None
        by_rank = False
        cell_colours: CellColours | None = None
        marks: npt.NDArray[np.uint8] | None = None
        drawn: DrawnLabels | None = None
        coloured_by: object = None

        def replace_labels(self, labels: Any) -> None:
            """Show other labels of the same shape, or the levels of large ones."""
            # As the setter does, but for the extent of the layer, and the level and
            # the part that are shown: of another level, that part may be beyond it.
            self._data_raw = labels  # PRIVATE
            self._data = MultiScaleData(labels) if self.multiscale else labels
            self._reset_thumbnail_level_data()  # PRIVATE
            self.events.data(value=self._data)
            self.refresh(extent=False)

        def _raw_to_displayed(  # PRIVATE
            self,
            raw: npt.NDArray[np.uint32],
            data_slice: tuple[slice, ...] | None = None,
        ) -> npt.NDArray[np.uint8]:
            """Return the picture of ``raw``, or of a part after a change in it."""
            if data_slice is None:
                drawn, self.drawn = self.drawn, None
                if drawn is not None and self._is_as(drawn, raw):
                    return drawn.picture
                # Levels of large masks are views with steps.
                picture = self.draw_picture(np.ascontiguousarray(raw))
                if self.multiscale:
                    self._clear_frame(picture)
                # The outline is cleared in 3D: the shading of a cell's surface would
                # show it as lines all over the surface.
                if self._slice_input.ndisplay == 3:  # PRIVATE
                    picture &= ~np.uint8(OUTLINE)
                return picture
            # Only the part around an edit is redrawn, in place: a whole plane would
            # take too long for each move of the brush.
            picture = self.picture
            box = redraw_labels(picture, raw, data_slice)
            self._finish(picture, raw, box)
            return picture[data_slice].copy()

        def _is_as(self, drawn: DrawnLabels, raw: npt.NDArray[np.uint32]) -> bool:
            """Return whether a picture of the masks shows what this layer has to."""
            coloured = self.cell_colours is not None
            coloured |= self.by_rank and self.ranks is not None
            marks = np.zeros(0, np.uint8) if self.marks is None else self.marks
            return (
                not coloured
                and drawn.picture.shape == raw.shape
                and np.array_equal(drawn.marks, marks)
            )

        @property
        def picture(self) -> npt.NDArray[np.uint8]:
            """The displayed picture, in the code of `core.display.label_picture`."""
            return self._slice.image.view  # PRIVATE

        def draw_picture(self, raw: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
            """Return the picture of labels as this layer shows them."""
            picture = draw_labels(raw)
            self._finish(picture, raw, tuple(slice(0, size) for size in raw.shape))
            return picture

        def _clear_frame(self, picture: npt.NDArray[np.uint8]) -> None:
            """Clear outlines where the part that is drawn ends, but not the cell."""
            for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
                edge &= ~np.uint8(OUTLINE)

        def _reset_thumbnail_level_data(self) -> None:  # PRIVATE
            """Keep no copy of the coarsest level: edits change it in place."""
            super()._reset_thumbnail_level_data()
            self._level_materializer = None

        def _finish(
            self,
            picture: npt.NDArray[np.uint8],
            raw: npt.NDArray[np.uint32],
            box: tuple[slice, ...],
        ) -> None:
            """Give cells the colours of ranks and marks in a box that was drawn."""
            if self.cell_colours is not None:
                # No marks: each cell shows its value.
                ranks = self.cell_colours.ranks
                apply_ranks(picture[box], raw[box], ranks, UNKNOWN_RANK)
                return
            if self.by_rank and self.ranks is not None:
                apply_ranks(picture[box], raw[box], self.ranks)
            if self.marks is not None:
                draw_marks(picture, raw, box, self.marks)

    return Labels

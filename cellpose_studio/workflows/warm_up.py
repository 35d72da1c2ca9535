"""Imports and compiles ahead what the first run or edit would wait for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters

if TYPE_CHECKING:
    from cellpose_studio.core.masks.edit import LabelEdit

logger = logging.getLogger("cellpose_studio")


def warm_up(checkpoint: Checkpoint) -> dict[str, str]:
    """Import torch and Cellpose; return the titles of devices by name, fastest first.

    One core is reserved for the window.
    """
    # At the top of the module, importing torch would delay the first window.
    from cellpose_studio.engine.threads import leave_a_core_free

    leave_a_core_free()
    checkpoint.check()
    from cellpose_studio.engine.cellpose_api import load_all
    from cellpose_studio.engine.device import available_devices
    from cellpose_studio.engine.masks.dynamics import FlowMaskMaker

    load_all()
    # The loops over pixels are compiled, or loaded from the cache on disk.
    flows = Flows(
        dP=np.zeros((2, 1, 8, 8), np.float32),
        cellprob=np.ones((1, 8, 8), np.float32),
        scale=1.0,
        diameter=30.0,
    )
    FlowMaskMaker(flows, (8, 8)).masks(SegmentationParameters(), Checkpoint())

    devices = {device.name: device.title for device in available_devices()}
    logger.info("devices: %s", ", ".join(devices.values()))
    return devices


def warm_up_editing(checkpoint: Checkpoint) -> None:
    """Do each kind of edit on a few pixels.

    This compiles the loops over pixels, or loads them from the cache on disk,
    and imports SciPy and scikit-image.
    """
    from cellpose_studio.core.display.label_marks import draw_marks, marks_of
    from cellpose_studio.core.display.label_picture import draw_labels, redraw_labels
    from cellpose_studio.core.display.thumbnail import label_thumbnail
    from cellpose_studio.core.edits import paint, reshape, split, whole
    from cellpose_studio.core.edits.shapes import brush
    from cellpose_studio.core.masks.cell_table import CellTable
    from cellpose_studio.core.masks.labels import polygons
    from cellpose_studio.core.masks.map_ids import only
    from cellpose_studio.core.masks.snapshot import Snapshot

    labels = np.zeros((16, 16), np.uint32)
    labels[2:14, 2:14] = 1
    everything = (slice(0, 16), slice(0, 16))
    table = CellTable.of(labels)
    drawn = draw_labels(labels)
    line = np.array([[8.0, 0.0], [8.0, 15.0]])
    seeds = np.array([[4.0, 8.0], [12.0, 8.0]])
    edits: tuple[Callable[[], LabelEdit], ...] = (
        lambda: paint.draw_cell(labels, table, brush(line, 3, (16, 16))),
        lambda: paint.erase(labels, table, brush(line, 1, (16, 16))),
        lambda: split.split_by_line(labels, table, 1, line),
        lambda: split.split_by_seeds(labels, table, 1, seeds),
        lambda: reshape.fill_holes(labels, table, [1]),
        lambda: reshape.smooth_cells(labels, table, [1]),
        lambda: reshape.grow_cells(labels, table, [1], 1),
        lambda: reshape.shrink_cells(labels, table, [1], 1),
        lambda: whole.delete_cells(labels, table, [1]),
    )
    for edit in edits:
        checkpoint.check()
        change = edit()
        # Applying an edit compiles the updates of the table and of the picture as well.
        change.fits(labels)
        change.apply(labels)
        table.change(change, labels)
        redraw_labels(drawn, labels, change.region(labels.shape))
    label_thumbnail(Snapshot(labels))
    polygons(only(labels, [1]))
    draw_marks(drawn, labels, everything, marks_of({1: "accepted"}))


def warm_up_measuring(checkpoint: Checkpoint) -> None:
    """Measure a cell of a few pixels, in a plane and in a stack.

    After an installation, this compiles the loops for 8 and 16 bits, which takes some
    ten seconds; later they are loaded from the cache on disk.
    """
    from cellpose_studio.core.measure.inputs import Channel
    from cellpose_studio.core.measure.measure import measure_cells
    from cellpose_studio.core.measure.scale import Scale
    from cellpose_studio.core.review.cell_shapes import cell_shapes

    for shape in ((12, 12), (3, 12, 12)):
        labels = np.zeros(shape, np.uint32)
        labels[..., 3:9, 3:9] = 1
        cell_shapes(labels)
        for dtype in (np.uint16, np.uint8):
            channel = Channel(pixels=labels.astype(dtype), name="1")
            scale = Scale(um=1.0)
            measure_cells(labels, [channel], scale=scale, checkpoint=checkpoint)

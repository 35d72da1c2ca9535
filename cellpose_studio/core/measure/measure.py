"""Measures the cells of a label image."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.measure.columns import Column, columns_of, in_um
from cellpose_studio.core.measure.definition import (
    GROUPS,
    FactDefinition,
    Group,
    IntensityDefinition,
    ShapeDefinition,
)
from cellpose_studio.core.measure.frame.frame import Frame, measured_frame
from cellpose_studio.core.measure.frame.slabs import SLAB
from cellpose_studio.core.measure.inputs import CellFacts, Channel, Pixels
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.scale import Scale

_NOTHING: Scale = Scale()


def measure_cells(
    labels: Pixels,
    channels: Sequence[Channel] = (),
    *,
    scale: Scale = _NOTHING,
    in_time: bool = False,
    groups: Collection[Group] = GROUPS,
    facts: CellFacts | None = None,
    checkpoint: Checkpoint | None = None,
    threads: int = 2,
    slab: int = SLAB,
) -> Measurements:
    """Measure all cells at each time point; releases the GIL.

    Parameters
    ----------
    labels
        Label image: YX, ZYX, TYX or TZYX, with one id for each cell and 0 for
        background. It may be an array or what reads parts of one.
    channels
        Channels of the image to measure intensities in.
    scale
        Size of a pixel.
    in_time
        Whether the first axis of the labels is time.
    groups
        What to measure.
    facts
        What is known of the cells from elsewhere; without it, there are no columns of
        the review.
    checkpoint
        Is asked between parts of the work.
    threads
        How many parts are measured at the same time.
    slab
        Pixels that are read at a time; what is measured does not depend on it.

    Raises
    ------
    Cancelled
    ValueError
        If a channel has another shape than the labels.
    """
    for channel in channels:
        if tuple(channel.pixels.shape) != tuple(labels.shape):
            raise ValueError(
                f"{channel.name} has the shape {channel.pixels.shape}, the labels "
                f"{labels.shape}."
            )
    shape = tuple(labels.shape)
    deep = len(shape) - in_time == 3
    columns = columns_of(scale, deep, channels, groups, facts is not None)
    frames = shape[0] if in_time else 1
    checkpoint = checkpoint or Checkpoint()
    parts = []
    for time in range(frames):
        checkpoint.reached(time, frames, "time points")
        at = (slice(time, time + 1),) if in_time else ()
        parts.append(
            measured_frame(
                labels, channels, at, scale, groups, checkpoint, threads, slab
            )
        )
    ids = [part.ids for part in parts]
    tables = [
        {column.name: _values(column, scale, part, facts) for column in columns}
        for part in parts
    ]
    found = Measurements(
        times=np.repeat(np.arange(frames), [len(one) for one in ids]),
        ids=np.concatenate(ids),
        columns=columns,
        values={
            column.name: np.concatenate([table[column.name] for table in tables])
            for column in columns
        },
        shape=shape,
        in_time=in_time,
        scale=scale,
    )
    return found.with_classes(facts.classes if facts and "review" in groups else None)


def _values(
    column: Column,
    scale: Scale,
    part: Frame,
    facts: CellFacts | None,
) -> npt.NDArray[Any]:
    """Return the values of a column for the cells of one time point."""
    definition = column.definition
    if isinstance(definition, FactDefinition):
        return definition.values(facts or CellFacts(), part.ids)
    if isinstance(definition, IntensityDefinition):
        return definition.values(part.intensities[column.channel])
    assert isinstance(definition, ShapeDefinition)
    values = definition.values(part.shapes).astype(np.float64)
    return in_um(values, definition, scale) if column.in_um else values

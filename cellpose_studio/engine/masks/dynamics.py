"""The second half of a run: from flows to masks.

The result is that of Cellpose's ``dynamics.resize_and_compute_masks``. Intermediate
results are cached, so that a new flow threshold or smallest size acts at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.confidence import FLOW_CHECK, Confidence
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.region import cells_in
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.device_memory import is_full
from cellpose_studio.engine.masks.cleaning import certainties, doubtful
from cellpose_studio.engine.masks.ends import MOST_PIXELS, PixelEnds
from cellpose_studio.engine.masks.fill import sizes_of
from cellpose_studio.engine.masks.finishing import (
    chosen,
    cleaned,
    finished,
    told_apart,
    without_border,
)
from cellpose_studio.engine.masks.follow import follow
from cellpose_studio.engine.masks.gather import cells_at
from cellpose_studio.engine.masks.mask_flows import flow_errors
from cellpose_studio.engine.masks.stitch import stitch_planes

FloatArray = npt.NDArray[np.float32]
Labels = npt.NDArray[np.integer]
LabelArray = npt.NDArray[np.uint32]

_STEPS = 200
"""Steps of the dynamics at scale 1, as in Cellpose."""

_TIMES_TO_REST = 10
"""How many times as many it takes at most until all pixels are at rest."""

_MOST_KEPT = 2**26
"""Pixels up to which it is kept where they end: half a gigabyte."""


@dataclass
class _Candidates:
    """Cells of one plane or volume before they are filtered.

    ``errors`` holds the flow error of cell n at n - 1 once it has been computed,
    ``certainties`` how sure the network is of it, and ``left_out`` how many the last
    masks lack as doubtful.
    """

    labels: Labels
    errors: npt.NDArray[np.float64] | None = None
    certainties: npt.NDArray[np.float64] | None = None
    left_out: int = 0


class FlowMaskMaker:
    """Makes masks from the flows of one image, for any number of thresholds.

    Parameters
    ----------
    flows
        Flows of the whole image.
    label_shape
        Shape of the masks: TYX, ZYX, TZYX or YX.
    device
        Device on which the pixels follow the flows. If its memory is too small, the CPU
        is used instead, and ``fell_back`` becomes True.

    Attributes
    ----------
    steps_needed
        After how many steps all pixels were at rest, as `carry` and `follow` tell it.
    """

    def __init__(
        self, flows: Flows, label_shape: tuple[int, ...], device: Device = CPU
    ) -> None:
        # Unless this is set, torch prints a warning at the first run.
        torch.sparse.check_sparse_tensor_invariants.disable()
        self._flows = flows
        self._label_shape = label_shape
        # Torch lacks some of the operations on Apple's GPU.
        self._device = torch.device("cpu" if device.name == "mps" else device.name)
        self.fell_back = False
        self.steps_needed = 0
        self._key: tuple[float, ...] = ()
        self._candidates: dict[int, _Candidates] = {}
        self._ends: dict[int, PixelEnds] = {}

    def masks(
        self, parameters: SegmentationParameters, checkpoint: Checkpoint
    ) -> LabelArray:
        """Return the masks for ``parameters``, of ``label_shape``.

        Raises
        ------
        Cancelled
            Soon after a stop.
        """
        steps = steps_for(parameters, self._flows.scale)
        # Only these parameters change what the pixels converge to. The others filter
        # the candidates, which therefore stay in the cache.
        key = (
            steps,
            parameters.cellprob_used,
            parameters.max_size_fraction,
            parameters.cleans,
        )
        if key != self._key:
            self._key, self._candidates = key, {}
            self.steps_needed = 0
        parts = []
        count = self._count()
        for n in range(count):
            checkpoint.reached(n, count, "masks")
            parts.append(self._part(n, parameters, checkpoint.check))
        labels = self._assembled(parts, parameters)
        if parameters.region is not None:
            labels = cells_in(labels, parameters.region, self._flows.frames)
        checkpoint.reached(count, count, "masks")
        return labels

    def confidence(
        self,
        labels: LabelArray,
        parameters: SegmentationParameters,
        checkpoint: Checkpoint,
    ) -> Confidence:
        """Return the confidence in ``labels``, the last result of `masks`.

        Raises
        ------
        Cancelled
            Soon after a stop.
        """
        size = int(labels.max(initial=0)) + 1
        pixels = np.zeros(size, np.int64)
        seen, fitted, chance, error = np.zeros((4, size))
        candidates = misfits = left_out = 0
        parts = labels.reshape(self._count(), *self._part_shape(labels.shape))
        for n, part in enumerate(parts):
            _add(pixels, part[part > 0])
            cells = self._candidates[n]
            errors = self._errors(n, checkpoint.check)
            large = np.bincount(cells.labels.ravel())[1:] >= parameters.min_size
            candidates += int(large.sum())
            misfits += int((errors[large] > FLOW_CHECK).sum())
            left_out += cells.left_out if parameters.doubts else 0
            # Without `resample`, the flows have the size of the network and not of the
            # masks.
            own = self._resized(part, cells.labels.shape)
            inside = own > 0
            _add(seen, own[inside])
            _add(chance, own[inside], expit(self._of_part(n)[1][inside]))
            # Pixels of filled holes belong to no candidate.
            inside &= cells.labels > 0
            _add(fitted, own[inside])
            _add(error, own[inside], errors[cells.labels[inside] - 1])
        ids = np.flatnonzero(pixels)
        return Confidence(
            ids=ids.astype(np.uint32),
            pixels=pixels[ids],
            # A cell without a pixel of a candidate has no flow error, and NaN means
            # that it is unknown.
            flow_errors=error[ids] / np.where(fitted[ids], fitted[ids], np.nan),
            probabilities=chance[ids] / np.maximum(seen[ids], 1),
            candidates=candidates,
            misfits=misfits,
            doubtful=left_out,
        )

    def _count(self) -> int:
        """Return the number of parts that the dynamics run on: volumes, or planes."""
        flows = self._flows
        return flows.frames if flows.volumetric else len(flows.cellprob)

    def _part(
        self, n: int, parameters: SegmentationParameters, check: Callable[[], None]
    ) -> LabelArray:
        """Return the masks of one part, at the size of the image."""
        if n not in self._candidates:
            self._candidates[n] = _Candidates(self._found(n, check))
        kept: Labels = self._candidates[n].labels
        fit = None
        # Cellpose computes no flow errors in volumes and ignores the threshold there.
        if parameters.flow_threshold > 0 and not self._flows.volumetric:
            fit = self._errors(n, check) <= parameters.flow_threshold
        if parameters.doubts:
            fit = self._not_doubtful(n, parameters, fit)
        if fit is not None:
            # The next thresholds need all candidates again, so this is a copy.
            kept = chosen(kept, np.concatenate([[False], fit]))
        # A large cell of a stack may be small in one plane, so small cells are removed
        # after stitching only. Cellpose takes -1 as no limit.
        smallest = -1 if self._joins(parameters) else parameters.min_size
        shape = self._part_shape(self._label_shape)
        cells = self._resized(kept, shape)
        return (cleaned if parameters.cleans else finished)(cells, smallest)

    def _errors(self, n: int, check: Callable[[], None]) -> npt.NDArray[np.float64]:
        """Return the flow errors of the cells of one part; NaN in volumes."""
        cells = self._candidates[n]
        if cells.errors is None:
            if self._flows.volumetric:
                cells.errors = np.full(int(cells.labels.max(initial=0)), np.nan)
            else:
                cells.errors = flow_errors(
                    cells.labels,
                    self._of_part(n)[0],
                    check,
                    per_cell=self._flows.per_cell,
                )
        return cells.errors

    def _not_doubtful(
        self,
        n: int,
        parameters: SegmentationParameters,
        fit: npt.NDArray[np.bool_] | None,
    ) -> npt.NDArray[np.bool_]:
        """Return which cells of one part fit their flows and leave no doubt."""
        cells = self._candidates[n]
        if cells.certainties is None:
            threshold = parameters.cellprob_used
            cells.certainties = certainties(cells.labels, *self._of_part(n), threshold)
        rows = cells.labels.reshape(-1, cells.labels.shape[-1])
        large = sizes_of(rows)[1:] >= parameters.min_size
        stays = large if fit is None else large & fit
        doubt = stays & doubtful(cells.certainties, stays)
        cells.left_out = int(doubt.sum())
        return ~doubt if fit is None else fit & ~doubt

    def _found(self, n: int, check: Callable[[], None]) -> Labels:
        """Return the cells of one part that the flows converge to."""
        steps, cellprob_threshold, max_size_fraction, _ = self._key
        dP, cellprob = self._of_part(n)
        if self._device.type == "cpu" and cellprob.size < MOST_PIXELS:
            ends = self._ends.get(n) or PixelEnds(dP, cellprob)
            if self._flows.cellprob.size <= _MOST_KEPT:
                self._ends[n] = ends
            at = ends.at(cellprob_threshold, int(steps), check)
            self.steps_needed = max(self.steps_needed, ends.rested)
            return cells_at(at, cellprob, cellprob_threshold, max_size_fraction)
        try:
            return self._found_on_device(dP, cellprob, check)
        except RuntimeError as error:
            if not is_full(error) or self._device.type == "cpu":
                raise
            # All parts have the same size, so the CPU keeps the rest of them as well.
            self._device, self.fell_back = torch.device("cpu"), True
            return self._found(n, check)

    def _found_on_device(
        self, dP: FloatArray, cellprob: FloatArray, check: Callable[[], None]
    ) -> Labels:
        """Return the same cells by operations of torch."""
        from cellpose_studio.engine.cellpose_api import get_masks_torch

        steps, cellprob_threshold, max_size_fraction, cleans = self._key
        points = np.nonzero(cellprob > cellprob_threshold)
        if not len(points[0]):
            return np.zeros(cellprob.shape, np.uint16)
        device, to_rest = self._device, bool(cleans)
        ends, rested = follow(dP, points, int(steps), device, check, to_rest)
        self.steps_needed = max(self.steps_needed, rested)
        labels = get_masks_torch(
            ends, points, cellprob.shape, max_size_fraction=max_size_fraction
        )
        return np.asarray(labels)

    def _of_part(self, n: int) -> tuple[FloatArray, FloatArray]:
        """Return dP and cell probability of a part: (A, Y, X) or (3, Z, Y, X)."""
        flows = self._flows
        if not flows.volumetric:
            return flows.dP[:, n], flows.cellprob[n]
        planes = len(flows.cellprob) // flows.frames
        part = slice(n * planes, (n + 1) * planes)
        return flows.dP[:, part], flows.cellprob[part]

    def _part_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one part of labels of ``shape``: YX or ZYX."""
        return shape[-3:] if self._flows.volumetric else shape[-2:]

    def _resized(self, labels: Labels, shape: tuple[int, ...]) -> Labels:
        """Return ``labels`` at ``shape``; they may have the scale of the network."""
        if labels.shape == shape:
            return labels
        import cv2

        from cellpose_studio.engine.cellpose_api import resize_image, resize_image_3d

        # Interpolation between two ids would give the id of an unrelated cell.
        nearest = {"interpolation": cv2.INTER_NEAREST, "no_channels": True}
        if labels.ndim == 2:
            return np.asarray(resize_image(labels, *shape, **nearest))
        return np.asarray(resize_image_3d(labels, shape, **nearest))

    def _joins(self, parameters: SegmentationParameters) -> bool:
        """Return whether the cells of planes are stitched into cells of a stack."""
        planes = len(self._flows.cellprob) // self._flows.frames
        return (
            parameters.stitch_threshold > 0
            and planes > 1
            and not self._flows.volumetric
        )

    def _assembled(
        self, parts: list[LabelArray], parameters: SegmentationParameters
    ) -> LabelArray:
        if self._joins(parameters):
            stacks = np.split(np.stack(parts), self._flows.frames)
            threshold, smallest = parameters.stitch_threshold, parameters.min_size
            parts = [finished(stitch_planes(s, threshold), smallest) for s in stacks]
        if parameters.exclude_on_edges:
            parts = [without_border(part) for part in parts]
        return told_apart(parts).reshape(self._label_shape)


def steps_for(parameters: SegmentationParameters, scale: float) -> int:
    """Return for how many steps pixels follow flows of a ``scale``."""
    if parameters.niter:
        return parameters.niter
    # At the size of the image, large cells are wider than the network saw them, so
    # their pixels need more steps. Cellpose rounds the number down.
    steps = int(_STEPS / scale)
    return steps * _TIMES_TO_REST if parameters.cleans else steps


def _add(
    sums: npt.NDArray[Any],
    ids: npt.NDArray[np.integer],
    values: npt.NDArray[np.floating] | None = None,
) -> None:
    """Add 1 or one of ``values`` to the element of each of ``ids`` in ``sums``.

    Only the range from the lowest to the highest id is touched, which is short in one
    plane of many.
    """
    if len(ids):
        low = int(ids.min())
        counted = np.bincount(ids - low, values)
        sums[low : low + len(counted)] += counted.astype(sums.dtype)

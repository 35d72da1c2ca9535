"""The second half of a run: from flows to masks.

The pixels follow the flows in Cellpose's own ``dynamics``. What the flow threshold
and the smallest size need is kept, so that these act at once; the result is that of
``dynamics.resize_and_compute_masks``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.flows import Flows
from cellpose_studio.core.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.stitch import stitched
from cellpose_studio.engine.torchvision_ops import make_importable

LabelArray = npt.NDArray[np.uint32]

_STEPS = 200
"""Steps of the dynamics at scale 1, as in Cellpose."""


@dataclass
class _Candidates:
    """Cells of one plane or volume before they are sorted out.

    ``errors`` holds the flow error of cell n at n - 1 once it has been computed.
    """

    labels: npt.NDArray[np.integer]
    errors: npt.NDArray[np.floating] | None = None


class MaskMaker:
    """Makes masks from the flows of one image, again and again.

    Parameters
    ----------
    flows
        Of the whole image.
    label_shape
        Of the masks: TYX, ZYX, TZYX or YX.
    device
        Where the dynamics run.
    """

    def __init__(
        self, flows: Flows, label_shape: tuple[int, ...], device: Device = CPU
    ) -> None:
        make_importable()
        # Or torch warns on the terminal at the first run.
        torch.sparse.check_sparse_tensor_invariants.disable()
        self._flows = flows
        self._label_shape = label_shape
        # Apple's GPU cannot do all of it.
        self._device = torch.device("cpu" if device.name == "mps" else device.name)
        self._key: tuple[float, ...] = ()
        self._candidates: dict[int, _Candidates] = {}

    def masks(
        self, parameters: SegmentationParameters, checkpoint: Checkpoint
    ) -> LabelArray:
        """Return the masks for ``parameters``, of ``label_shape``.

        Raises
        ------
        Cancelled
            At the next plane after a stop.
        """
        steps = parameters.niter or int(_STEPS / self._flows.scale)
        key = (steps, parameters.cellprob_threshold, parameters.max_size_fraction)
        if key != self._key:
            self._key, self._candidates = key, {}
        parts = []
        count = len(self._units())
        for n in range(count):
            checkpoint.reached(n, count, "masks")
            parts.append(self._unit_masks(n, parameters))
        labels = self._assembled(parts, parameters)
        checkpoint.reached(count, count, "masks")
        return labels

    def _units(self) -> range:
        """What the dynamics run on at a time: volumes, or planes."""
        n = self._flows.cellprob.shape[0]
        return range(self._flows.frames if self._flows.volumetric else n)

    def _unit_masks(self, n: int, parameters: SegmentationParameters) -> LabelArray:
        candidates = self._candidates.get(n) or self._follow(n)
        self._candidates[n] = candidates
        threshold = parameters.flow_threshold
        if threshold > 0 and not self._flows.volumetric and candidates.labels.any():
            if candidates.errors is None:
                candidates.errors = self._errors(n, candidates.labels)
            kept = _without(candidates.labels, candidates.errors > threshold)
        else:
            kept = candidates.labels.copy()
        joins = self._joins(parameters)
        return _finished(self._resized(kept), -1 if joins else parameters.min_size)

    def _follow(self, n: int) -> _Candidates:
        from cellpose.dynamics import compute_masks

        steps, cellprob_threshold, max_size_fraction = self._key
        dP, cellprob = self._part(n)
        labels = compute_masks(
            dP,
            cellprob,
            niter=int(steps),
            cellprob_threshold=cellprob_threshold,
            flow_threshold=0,
            do_3D=self._flows.volumetric,
            max_size_fraction=max_size_fraction,
            device=self._device,
        )
        return _Candidates(labels)

    def _errors(
        self, n: int, labels: npt.NDArray[np.integer]
    ) -> npt.NDArray[np.floating]:
        from cellpose.dynamics import flow_error

        return np.asarray(flow_error(labels, self._part(n)[0], device=self._device)[0])

    def _part(self, n: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return dP and cell probability of a unit: (A, Y, X) or (3, Z, Y, X)."""
        flows = self._flows
        if not flows.volumetric:
            return flows.dP[:, n], flows.cellprob[n]
        planes = flows.cellprob.shape[0] // flows.frames
        part = slice(n * planes, (n + 1) * planes)
        return flows.dP[:, part], flows.cellprob[part]

    def _resized(self, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Return ``labels`` at the size of the image, if the flows are smaller."""
        shape = self._label_shape[-labels.ndim :]
        if labels.shape == shape:
            return labels
        import cv2
        from cellpose.transforms import resize_image, resize_image_3d

        nearest = {"interpolation": cv2.INTER_NEAREST, "no_channels": True}
        if labels.ndim == 2:
            return np.asarray(resize_image(labels, *shape, **nearest))
        return np.asarray(resize_image_3d(labels, shape, **nearest))

    def _joins(self, parameters: SegmentationParameters) -> bool:
        """Planes become cells of a stack afterwards."""
        planes = self._flows.cellprob.shape[0] // self._flows.frames
        return (
            parameters.stitch_threshold > 0
            and planes > 1
            and not self._flows.volumetric
        )

    def _assembled(
        self, parts: list[LabelArray], parameters: SegmentationParameters
    ) -> LabelArray:
        if self._joins(parameters):
            parts = [
                _finished(
                    stitched(stack, parameters.stitch_threshold), parameters.min_size
                )
                for stack in np.split(np.stack(parts), self._flows.frames)
            ]
        if parameters.exclude_on_edges:
            parts = [_without_border(part) for part in parts]
        return np.stack(parts).reshape(self._label_shape).astype(np.uint32, copy=False)


def _without(
    labels: npt.NDArray[np.integer], bad: npt.NDArray[np.bool_]
) -> npt.NDArray[np.integer]:
    """Return a copy without cell n where ``bad[n - 1]``, numbered 1..N again."""
    import fastremap

    kept = fastremap.mask(labels, 1 + np.flatnonzero(bad))
    fastremap.renumber(kept, in_place=True)
    return np.asarray(kept)


def _finished(labels: npt.NDArray[np.integer], min_size: int) -> LabelArray:
    """Fill holes and leave out small cells; may change ``labels``."""
    from cellpose.utils import fill_holes_and_remove_small_masks

    filled = fill_holes_and_remove_small_masks(labels, min_size=min_size)
    return np.asarray(filled).astype(np.uint32)


def _without_border(labels: LabelArray) -> LabelArray:
    """Return ``labels`` without cells at the border in Y or X, numbered 1..N."""
    import fastremap

    rim = [labels[..., 0, :], labels[..., -1, :], labels[..., 0], labels[..., -1]]
    ids = np.unique(np.concatenate([side.ravel() for side in rim]))
    inner = fastremap.mask(labels, ids[ids > 0])
    return np.asarray(fastremap.renumber(inner, in_place=False)[0], np.uint32)

"""Masks from existing flows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import MaskMaker


class LazyMaskMaker:
    """Makes masks from existing flows; imports torch at the first use.

    Parameters
    ----------
    flows
        Flows of a file, or cached flows of a run.
    label_shape
        Shape of the masks.
    """

    def __init__(self, flows: Flows, label_shape: tuple[int, ...]) -> None:
        self._flows = flows
        self._label_shape = label_shape
        self._maker: MaskMaker | None = None

    def masks(
        self, parameters: SegmentationParameters, checkpoint: Checkpoint
    ) -> npt.NDArray[np.uint32]:
        """Return the masks for ``parameters``; raises `Cancelled` after a stop."""
        return self._loaded().masks(parameters, checkpoint)

    def confidence(
        self,
        labels: npt.NDArray[np.uint32],
        parameters: SegmentationParameters,
        checkpoint: Checkpoint,
    ) -> Confidence:
        """Return the confidence in ``labels``, the last masks made."""
        return self._loaded().confidence(labels, parameters, checkpoint)

    def _loaded(self) -> MaskMaker:
        # Torch takes seconds to import, for which opening a file should not wait.
        if self._maker is None:
            from cellpose_studio.engine.masks.dynamics import FlowMaskMaker

            self._maker = FlowMaskMaker(self._flows, self._label_shape)
        return self._maker

"""Segments many images with one model, and saves each result."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import RunResult
from cellpose_studio.engine.device import Engine, Precision, device_named
from cellpose_studio.engine.networks.catalogue import default_model, find
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.masks.exchange.streamed import STREAMED
from cellpose_studio.io.masks.export import Saved, reasons_unfit, unfit
from cellpose_studio.io.masks.export_target import IfExists, target
from cellpose_studio.paths import can_write_in
from cellpose_studio.workflows.batches.export_names import ExportNames
from cellpose_studio.workflows.blocks.forecast import (
    forecast,
    free_memory,
    reason_whole,
    refuse_large_region,
)
from cellpose_studio.workflows.blocks.save import save_blocks
from cellpose_studio.workflows.blocks.segment import segment_in_blocks
from cellpose_studio.workflows.save import save_fitting_of
from cellpose_studio.workflows.segment import segment


class Batch:
    """One model, one set of parameters, many images.

    Parameters
    ----------
    model
        Name or weight file; None for the first shipped model.
    device
        torch's name of a device, or "auto" for the fastest.
    kinds
        Files to write for each image.
    folder
        Folder of the results; None for the folder of each image. Created if missing.
    precision
        Precision of the network; None for the fastest.
    engine
        How the threads of a CPU run tiles; None for what suits the network.
    if_exists
        What to do with an image that has results already.
    block_side
        Side of the blocks in which images are run, px; None runs those in blocks that
        are too large for the memory otherwise.

    Raises
    ------
    ModelUnusable, CannotSave
        If the batch cannot start.
    """

    def __init__(
        self,
        model: str | None,
        parameters: SegmentationParameters,
        device: str,
        kinds: Collection[str],
        folder: Path | None,
        precision: Precision | None = None,
        if_exists: IfExists = "replace",
        engine: Engine | None = None,
        block_side: int | None = None,
    ) -> None:
        self.model = find(model) if model else default_model()
        self._parameters = parameters
        self._device = device_named(device)
        self._precision = precision
        self._engine = engine
        self._kinds = kinds
        self._block_side = block_side
        # The weights are loaded for the first image only.
        self._networks = NetworkCache()
        self._names = ExportNames(folder)
        self._if_exists = if_exists
        self._writable: set[Path] = set()
        if folder is not None:
            _make(folder)
            self._check_folder(folder)

    def base(self, image: ImageSource) -> Path:
        """Return where the results of an image go: folder and name, without suffix.

        Images that are asked for first get their names first.
        """
        return self._names.base(image)

    def reason_whole(self, image: ImageSource) -> str:
        """Return why an image is not run in the blocks asked for; "" if it is."""
        return reason_whole(image, self._parameters) if self._block_side else ""

    def run(
        self, image: ImageSource, checkpoint: Checkpoint
    ) -> tuple[RunResult, Saved] | None:
        """Segment ``image`` and return the result and what was written.

        None where its results exist, and such images are left out.

        Raises
        ------
        StudioError
            If it fails; the next image can still be run.
        """
        base = target(self.base(image), self._kinds, self._if_exists)
        if base is None:
            return None
        # A run may take minutes, so it is refused first if no format can store its
        # masks.
        reasons = reasons_unfit(base, self._kinds, image.label_axes)
        if len(reasons) == len(set(self._kinds)):
            raise unfit([*reasons.values()])
        self._check_folder(base.parent)
        done = self._run(image, base, checkpoint)
        self._names.write_list(base.parent)
        return done

    def _run(
        self, image: ImageSource, base: Path, checkpoint: Checkpoint
    ) -> tuple[RunResult, Saved]:
        given: dict[str, Any] = {
            "device": self._device,
            "networks": self._networks,
            "precision": self._precision,
            "engine": self._engine,
        }
        # What is written strip by strip gains nothing from a run as a whole.
        free = free_memory()
        needed = forecast(
            image,
            self.model,
            self._parameters,
            free,
            self._block_side,
            may_be_whole=not STREAMED.issuperset(self._kinds),
        )
        refuse_large_region(image, self._parameters, needed, free)
        common = (image, self.model, self._parameters, checkpoint)
        if needed.side is None:
            whole = segment(*common, **given)
            return whole, save_fitting_of(whole, self._kinds, base)
        with segment_in_blocks(*common, needed.side, **given) as result:
            saved = save_blocks(result, self._kinds, base, checkpoint.check)
        return result, saved

    def _check_folder(self, folder: Path) -> None:
        """Raise `CannotSave` if no files can be written in ``folder``."""
        if folder not in self._writable:
            if not can_write_in(folder):
                raise CannotSave(
                    f"The folder {folder} cannot be written to.",
                    "Choose another folder for the results.",
                )
            self._writable.add(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotSave(
            f"The folder {folder} cannot be created: {error.strerror or error}."
        ) from error

"""Whether a model can be trained."""

from __future__ import annotations

import math

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.training import EpochReport, TrainingParameters
from cellpose_studio.io.images.sample import draw_nuclei
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

_SIDE = 128
_TINY = TrainingParameters(
    n_epochs=1, widths=(2, 4, 8), bsize=64, min_train_masks=1, batch_size=2
)


def check_training(place: Place) -> Found:
    """Train a tiny network for one step on two parts of the sample, and load it."""
    import tifffile

    from cellpose_studio.engine.device import CPU
    from cellpose_studio.engine.networks.catalogue import from_file
    from cellpose_studio.engine.networks.network import load
    from cellpose_studio.workflows.training.train import train_on_folders

    folder = place.folder / "training images"
    folder.mkdir()
    pixels, masks = draw_nuclei()
    for n in range(2):
        part = slice(n * _SIDE, (n + 1) * _SIDE)
        tifffile.imwrite(folder / f"{n}.tif", pixels[part, :_SIDE])
        tifffile.imwrite(folder / f"{n}_masks.tif", masks[part, :_SIDE])
    reports: list[EpochReport] = []
    out = place.folder / "trained model"
    train_on_folders([folder], out, _TINY, Checkpoint(), reports.append)
    loss = reports[-1].train_loss
    if not math.isfinite(loss):
        raise CheckFailed(f"The loss of the training is {loss}.")
    load(from_file(out), CPU)
    return Found(f"One step on 2 images, loss {loss:.3f}; the model can be loaded")

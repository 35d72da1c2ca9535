"""What to do when the memory of a device is too small for a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cellpose_studio.core.errors import DeviceFull
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.device_memory import full_as_error


@contextmanager
def full_while_training(
    device: Device, parent: ModelSpec | None, parameters: TrainingParameters
) -> Iterator[None]:
    """Raise `DeviceFull` with what makes this training smaller.

    The advice for a run, a smaller model or the CPU, would be none for a Transformer.
    """
    try:
        with full_as_error(device):
            yield
    except DeviceFull as error:
        raise DeviceFull(
            f"{device.title} has too little memory for this training.",
            _smaller(device, parent, parameters),
        ) from error


def _smaller(
    device: Device, parent: ModelSpec | None, parameters: TrainingParameters
) -> str:
    ways = ["close other programs"]
    if parent is not None and not parent.architecture_info.scales_images:
        if parameters.layers != "last":
            ways.insert(0, "train the last layers only")
        ways.append("train a U-Net")
    elif device != CPU:
        ways.append("train on the CPU")
    if parameters.batch_size > 1:
        ways.insert(0, "choose a smaller batch")
    *others, last = ways
    text = f"{', '.join(others)}, or {last}" if others else last
    return f"{text[0].upper()}{text[1:]}."

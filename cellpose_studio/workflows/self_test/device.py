"""Whether the fastest device computes what the processor computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

if TYPE_CHECKING:
    from cellpose_studio.engine.device import Device

FloatArray = npt.NDArray[np.float32]
Flows = Callable[["Device"], FloatArray]

TOLERANCE = 0.05
"""Largest difference of flows, which reach 5 within cells."""

_SIDE = 224


def check_device(_: Place) -> Found:
    """Compare the flows of a part of the sample image on each device."""
    from cellpose_studio.engine.device import available_devices

    return compare(available_devices(), _flows)


def compare(devices: Sequence[Device], flows: Flows) -> Found:
    """Compare what devices give with the CPU, which is the last of them."""
    *gpus, cpu = devices
    right = flows(cpu)
    if not np.isfinite(right).all():
        raise CheckFailed(
            "The processor gives flows that are no numbers.",
            "Install the program again; torch is damaged.",
        )
    if not gpus:
        return Found("Only the processor (CPU); no graphics card was found")
    parts = []
    for gpu in gpus:
        difference = float(np.abs(flows(gpu) - right).max())
        # A comparison with NaN is False, hence this way round.
        if not difference <= TOLERANCE:
            raise CheckFailed(
                f"{gpu.title} gives flows that differ by {difference:.3g} from those "
                "of the processor.",
                "Update the driver of the graphics card, or choose the CPU.",
            )
        parts.append(f"{gpu.title} agrees with the processor ({difference:.1g})")
    return Found("; ".join(parts))


def _flows(device: Device) -> FloatArray:
    """Return the output (1, 3, Y, X) of the first model on a part of the sample."""
    from cellpose_studio.engine.networks.catalogue import shipped
    from cellpose_studio.engine.networks.network import load
    from cellpose_studio.io.images.sample import draw_nuclei

    network = load(shipped()[0], device, precision="float32")
    part = draw_nuclei()[0][:_SIDE, :_SIDE].astype(np.float32)
    low, high = np.percentile(part, (1, 99))
    tiles = np.zeros((1, network.spec.input_channels, _SIDE, _SIDE), np.float32)
    tiles[0, 0] = (part - low) / (high - low)
    return network.run(tiles)

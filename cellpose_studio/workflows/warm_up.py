"""Load what the first run would otherwise wait for."""

from __future__ import annotations

from cellpose_studio.core.checkpoint import Checkpoint


def warm_up(checkpoint: Checkpoint) -> list[str]:
    """Import torch and Cellpose; return the titles of the devices, fastest first.

    One core is left to the window: with all of them busy it could not answer.
    """
    import os

    import torch

    from cellpose_studio.engine.device import available_devices
    from cellpose_studio.engine.torchvision_ops import make_importable

    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))
    checkpoint.check()
    make_importable()
    # The models module brings all others that a run needs.
    import cellpose.models  # noqa: F401

    return [device.title for device in available_devices()]

"""Load what the first run would otherwise wait for."""

from __future__ import annotations

from cellpose_studio.core.checkpoint import Checkpoint


def warm_up(checkpoint: Checkpoint) -> list[str]:
    """Import torch and Cellpose; return the titles of the devices, fastest first.

    One core is left to the window.
    """
    from cellpose_studio.engine.threads import leave_a_core_free

    leave_a_core_free()
    checkpoint.check()
    from cellpose_studio.engine.libraries import load_cellpose

    load_cellpose()
    from cellpose_studio.engine.device import available_devices

    return [device.title for device in available_devices()]

"""Whether the models that are shipped are there and whole."""

from __future__ import annotations

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place


def check_models(_: Place) -> Found:
    """Load each model, which compares the checksum of its weights."""
    from cellpose_studio.engine.device import CPU
    from cellpose_studio.engine.networks.catalogue import shipped
    from cellpose_studio.engine.networks.network import load

    specs = shipped()
    if not specs:
        raise CheckFailed("No model is there.")
    broken = []
    for spec in specs:
        try:
            network = load(spec, CPU)
        except ModelUnusable as error:
            broken.append(f"{spec.name}: {error.message}")
        else:
            if network.sizes is None and spec.architecture_info.scales_images:
                broken.append(f"{spec.name}: its size model is missing.")
    if broken:
        raise CheckFailed(" ".join(broken))
    names = ", ".join(spec.name for spec in specs)
    return Found(f"{names}: the checksums are right")

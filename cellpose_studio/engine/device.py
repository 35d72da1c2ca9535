"""Devices that run networks, and the precision on each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.architecture import ARCHITECTURES

Precision = Literal["float32", "bfloat16"]
Engine = Literal["whole-tiles", "shared-tiles", "fused-attention", "openvino"]
"""How the threads of a CPU run tiles: each its own ones, or all of them each tile.

With fused attention they share tiles, and a Transformer's attention is one operation of
torch instead of several of Cellpose, which gives other last digits. With OpenVINO, an
optional package runs U-Nets instead of torch, each thread its own tiles.
"""


@dataclass(frozen=True)
class Device:
    """A device that runs networks.

    Attributes
    ----------
    name
        torch's name: "cpu", "cuda:0", "mps".
    title
        Name for the user: "CPU", "NVIDIA RTX A4000".
    memory
        Bytes that it has of its own; 0 where it has none, or that is not known.
    """

    name: str
    title: str
    memory: int = field(default=0, compare=False)


CPU = Device("cpu", "CPU")


def available_devices() -> list[Device]:
    """Return the devices of this computer, the fastest first."""
    gpus = [
        Device(f"cuda:{n}", torch.cuda.get_device_name(n), _memory(n))
        for n in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        gpus.append(Device("mps", "Apple GPU"))
    return [*gpus, CPU]


def _memory(n: int) -> int:
    return int(torch.cuda.get_device_properties(n).total_memory)


def gpu_id(device: Device) -> str:
    """Return what a graphics card of NVIDIA or AMD is known by; "" of other devices."""
    if not device.name.startswith("cuda"):
        return ""
    known = torch.cuda.get_device_properties(device.name)
    return str(getattr(known, "uuid", device.name))


def device_named(name: str) -> Device:
    """Return the device with torch's name ``name``; "auto" for the fastest.

    Raises
    ------
    ModelUnusable
        If this computer has no such device.
    """
    known = available_devices()
    if name == "auto":
        return known[0]
    for device in known:
        if device.name in (name, f"{name}:0"):
            return device
    raise ModelUnusable(
        f"This computer has no device {name}.",
        f"It has {', '.join(device.name for device in known)}.",
    )


def device_or_fastest(name: str) -> tuple[Device, str]:
    """Return `device_named`, or the fastest device where there is none of that name.

    Returns
    -------
    The device, and a sentence that says which one is missing; "" if none is.
    """
    try:
        return device_named(name), ""
    except ModelUnusable as error:
        fastest = available_devices()[0]
        return fastest, f"{error.message} {fastest.title} was used."


def precision_for(architecture: str, device: Device) -> Precision:
    """Return the fastest precision that the hardware supports natively.

    A processor without bfloat16 units emulates them, which makes Cellpose's own
    default 11 times slower than float32 there. The U-Nets were trained and are
    fast enough in float32.
    """
    if not ARCHITECTURES[architecture].bfloat16:
        return "float32"
    if device.name.startswith("cuda"):
        fit = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Apple's GPU only supports bfloat16 from macOS 14 on, so it gets float32.
        fit = device.name == "cpu" and cpu_computes_bfloat16()
    return "bfloat16" if fit else "float32"


def engine_for(architecture: str) -> Engine:
    """Return how the threads of a CPU run the tiles of a network.

    Threads that share a tile wait for each other at every layer, also for one that the
    system has put aside while other programs use its core. The last digits depend on
    their number. Threads with tiles of their own need more memory.
    """
    whole = ARCHITECTURES[architecture].whole_tiles
    return "whole-tiles" if whole else "shared-tiles"


def cpu_computes_bfloat16() -> bool:
    """Return whether the processor has bfloat16 matrix or vector units."""
    features = torch.cpu.get_capabilities()
    return bool(features.get("amx_bf16") or features.get("avx512_bf16"))


def cpu_capability() -> str:
    """Return the instruction set that torch uses; the last digits depend on it."""
    return str(torch.backends.cpu.get_cpu_capability())


def torch_dtype(precision: Precision) -> torch.dtype:
    """Return the torch type of a precision."""
    return torch.bfloat16 if precision == "bfloat16" else torch.float32

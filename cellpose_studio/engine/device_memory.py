"""Memory of devices: how much is free, and what is raised when it is full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import psutil
import torch

from cellpose_studio.core.errors import DeviceFull
from cellpose_studio.engine.device import CPU, Device

T = TypeVar("T")

_FULL = ("out of memory", "STATUS_ALLOC_FAILED", "DefaultCPUAllocator")
"""Parts of messages: of Apple's GPUs and of drivers, cuDNN and cuBLAS, the CPU."""


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes of the memory of a device: free ones, and all."""

    free: int
    total: int


def memory_of(device: Device) -> DeviceMemory:
    """Return the memory of a device; that of Apple's GPUs is the computer's.

    Asking a graphics card of NVIDIA or AMD takes some of its memory, as a run does.

    Raises
    ------
    RuntimeError
        If its driver fails.
    """
    if device.name.startswith("cuda"):
        return DeviceMemory(*torch.cuda.mem_get_info(device.name))
    memory = psutil.virtual_memory()
    return DeviceMemory(memory.available, memory.total)


def is_full(error: BaseException) -> bool:
    """Return whether an error of torch says that the memory of a device is full.

    Only its own allocator for graphics cards of NVIDIA and AMD has a class for that.
    """
    if isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(part in text for part in _FULL)


@contextmanager
def full_as_error(device: Device) -> Iterator[None]:
    """Raise `DeviceFull` for whatever says that the memory of ``device`` is full."""
    try:
        yield
    except RuntimeError as error:
        if is_full(error):
            raise device_full(device) from error
        raise


def device_full(device: Device) -> DeviceFull:
    """Return the error for a network that exceeds the memory of a device."""
    other = "close other programs" if device == CPU else "run it on the CPU"
    return DeviceFull(
        f"{device.title} has too little memory for this model.",
        f"Choose a smaller model, or {other}.",
    )


def on_cpu_if_full(run: Callable[..., T], device: Device) -> T:
    """Return what ``run`` returns for a device, or for the CPU if its memory is full.

    For the CPU, ``run`` is given a note for the user as well.

    Raises
    ------
    DeviceFull
        If the device is the CPU.
    """
    try:
        return run(device)
    except DeviceFull:
        if device == CPU:
            raise
        return run(CPU, f"{device.title} had too little memory, so the CPU was used.")


def free_unused(device: Device) -> None:
    """Give back what torch keeps of the memory of a GPU for later."""
    if device.name.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device.name == "mps":
        torch.mps.empty_cache()

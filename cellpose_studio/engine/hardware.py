"""The processor, the memory and the GPUs of this computer, in words."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import torch

from cellpose_studio.engine.device import cpu_capability

_PATIENCE = 5  # seconds


def hardware() -> dict[str, str]:
    """Return what computes, by name: "Processor", "Memory", "GPU 0" ...

    A driver that fails is said in the place of what it would tell.
    """
    found = {
        "Processor": _or_error(_processor),
        "Memory": _or_error(_memory),
    }
    try:
        found |= _gpus()
    # A broken driver raises what it likes.
    except Exception as error:
        found["GPU"] = f"cannot be asked: {error}"
    return found


def _processor() -> str:
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    threads = torch.get_num_threads()
    name = processor_name()
    return f"{name}, {cores} cores, {threads} threads, {cpu_capability()}"


def processor_name() -> str:
    """Return what the maker calls the processor; its architecture if unknown."""
    name = ""
    with suppress(OSError, subprocess.SubprocessError):
        name = _NAMES.get(sys.platform, platform.processor)()
    return name or platform.machine()


def _linux_processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return ""


def _mac_processor() -> str:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=_PATIENCE, check=True
    )
    return done.stdout.strip()


def _windows_processor() -> str:
    if sys.platform != "win32":
        return ""
    import winreg

    place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
        return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()


_NAMES: dict[str, Callable[[], str]] = {
    "linux": _linux_processor,
    "darwin": _mac_processor,
    "win32": _windows_processor,
}


def _memory() -> str:
    memory = psutil.virtual_memory()
    return f"{_gib(memory.total)}, {_gib(memory.available)} available"


def _gpus() -> dict[str, str]:
    found = {}
    for number in range(torch.cuda.device_count()):
        # Its free memory is not asked for: that would take some of it.
        gpu = torch.cuda.get_device_properties(number)
        memory = _gib(gpu.total_memory)
        found[f"GPU {number}"] = f"{gpu.name}, {memory}, {_toolkit()}"
    if torch.backends.mps.is_available():
        found["GPU"] = "Apple GPU (MPS)"
    return found or {"GPU": _no_gpu()}


def _no_gpu() -> str:
    toolkit = _toolkit()
    if not toolkit:
        return "none that this build of torch can use: it was built for the processor"
    return f"none that torch can use (built with {toolkit})"


def _toolkit() -> str:
    """Return what torch was built with, "" for the processor alone."""
    if torch.version.hip is not None:
        return f"ROCm {torch.version.hip}"
    return f"CUDA {torch.version.cuda}" if torch.version.cuda is not None else ""


def _or_error(fact: Callable[[], str]) -> str:
    try:
        return fact()
    # Systems without the usual files raise what they like.
    except Exception as error:
        return f"unknown ({error})"


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"

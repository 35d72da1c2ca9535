"""Memory of devices, and which errors say that it is full."""

from __future__ import annotations

import pytest
import torch

from cellpose_studio.core.errors import DeviceFull
from cellpose_studio.engine.device import CPU, Device, device_or_fastest
from cellpose_studio.engine.device_memory import full_as_error, is_full, memory_of


def test_the_memory_of_the_computer_is_that_of_the_cpu():
    memory = memory_of(CPU)
    assert 0 < memory.free < memory.total


def test_a_real_allocation_that_is_too_large_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_full(caught.value)
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2) @ torch.zeros(3)
    assert not is_full(caught.value)
    assert not is_full(ValueError("out of memory"))


def test_a_full_device_is_named_and_other_errors_stay_as_they_are():
    gpu = Device("cuda:0", "Little GPU")
    full = RuntimeError("CUDA error: out of memory")
    said = pytest.raises(DeviceFull, match="Little GPU has too little")
    with said as caught, full_as_error(gpu):
        raise full
    assert "or run it on the CPU" in caught.value.hint
    with pytest.raises(RuntimeError, match="mat1"), full_as_error(gpu):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_a_device_that_is_missing_is_replaced_and_said():
    assert device_or_fastest("cpu") == (CPU, "")
    device, note = device_or_fastest("cuda:77")
    assert note == f"This computer has no device cuda:77. {device.title} was used."

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from cellpose_studio.engine.device import (
    CPU,
    Device,
    available_devices,
    cpu_computes_bfloat16,
    precision_for,
    torch_dtype,
)

GPU = Device("cuda:0", "NVIDIA RTX A4000")
APPLE = Device("mps", "Apple GPU")


def test_the_cpu_is_always_there_and_comes_last():
    assert available_devices()[-1] == CPU


def test_every_device_can_hold_a_tensor():
    for device in available_devices():
        assert torch.zeros(1, device=device.name).device == torch.device(device.name)


@pytest.mark.parametrize("device", [CPU, GPU, APPLE])
def test_u_nets_run_in_the_precision_they_were_trained_in(device):
    assert precision_for("unet", device) == "float32"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel says what it has")
def test_bfloat16_on_a_cpu_only_where_the_hardware_has_it():
    flags = set(Path("/proc/cpuinfo").read_text().split())
    has_units = bool(flags & {"amx_bf16", "avx512_bf16"})
    assert cpu_computes_bfloat16() is has_units
    assert precision_for("sam", CPU) == ("bfloat16" if has_units else "float32")


@pytest.mark.parametrize(
    ("has_units", "precision"), [(True, "bfloat16"), (False, "float32")]
)
@pytest.mark.parametrize("architecture", ["sam", "dino"])
def test_transformers_use_the_units_that_a_gpu_has(
    architecture, has_units, precision, monkeypatch
):
    def supported(including_emulation: bool = True) -> bool:
        return has_units or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert precision_for(architecture, GPU) == precision


def test_apple_gpus_compute_in_float32():
    assert precision_for("sam", APPLE) == "float32"


def test_precisions_are_torchs_types():
    assert torch_dtype("float32") is torch.float32
    assert torch_dtype("bfloat16") is torch.bfloat16

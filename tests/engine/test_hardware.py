"""The computer in words."""

from __future__ import annotations

import platform
import re

import psutil
import torch

from cellpose_studio.engine import hardware


def test_it_names_the_processor_the_memory_and_the_gpus():
    found = hardware.hardware()
    assert re.search(r"\d+ cores, \d+ threads", found["Processor"])
    assert found["Processor"].startswith(hardware.processor_name())
    total = psutil.virtual_memory().total / 2**30
    assert found["Memory"].startswith(f"{total:.1f} GiB, ")
    gpus = [name for name in found if name.startswith("GPU")]
    assert len(gpus) == max(1, torch.cuda.device_count())


def test_a_driver_that_fails_is_told_in_its_place(monkeypatch):
    def broken():
        raise RuntimeError("the driver is too old")

    monkeypatch.setattr(torch.cuda, "device_count", broken)
    monkeypatch.setattr(psutil, "virtual_memory", broken)
    found = hardware.hardware()
    assert found["GPU"] == "cannot be asked: the driver is too old"
    assert found["Memory"] == "unknown (the driver is too old)"


def test_an_unknown_system_has_an_architecture_at_least(monkeypatch):
    monkeypatch.setattr(hardware.sys, "platform", "plan9")
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert hardware.processor_name() == platform.machine()

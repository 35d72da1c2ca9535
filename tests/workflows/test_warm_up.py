"""Loading what the first run would otherwise wait for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.engine import threads
from cellpose_studio.workflows.warm_up import warm_up


def test_it_loads_what_a_run_needs_and_leaves_a_core_free():
    code = (
        "import os, sys\n"
        "from cellpose_studio.core.checkpoint import Checkpoint\n"
        "from cellpose_studio.workflows.warm_up import warm_up\n"
        "assert 'torch' not in sys.modules\n"
        "devices = warm_up(Checkpoint())\n"
        "import torch\n"
        "free = os.cpu_count() - torch.get_num_threads()\n"
        "print(devices[-1], 'cellpose.models' in sys.modules, free >= 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == ["CPU", "True", str((os.cpu_count() or 1) > 1)], (
        done.stderr
    )


def test_it_can_be_stopped(monkeypatch):
    # The threads of the other tests are none of its business.
    monkeypatch.setattr(threads, "leave_a_core_free", lambda: None)
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        warm_up(checkpoint)

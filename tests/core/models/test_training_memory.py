"""Memory of a GPU that a training of a Transformer takes."""

from __future__ import annotations

import pytest

from cellpose_studio.core.models.architecture import SAM
from cellpose_studio.core.models.training import finetuning
from cellpose_studio.core.models.training_memory import gpu_bytes, memory_text

SAM_BYTES = 4 * 304_900_000


@pytest.mark.parametrize(("layers", "about"), [("all", 10), ("lora", 6.3), ("last", 3)])
def test_fewer_layers_take_less_memory(layers, about):
    parameters = finetuning(SAM).model_copy(update={"layers": layers})
    needed = gpu_bytes(SAM_BYTES, parameters)
    assert needed / 1e9 == pytest.approx(about, abs=0.15)
    more = gpu_bytes(SAM_BYTES, parameters.model_copy(update={"batch_size": 2}))
    assert more > needed


def test_it_is_said_whether_the_gpu_has_as_much():
    needed = 6_300_000_000
    assert memory_text(needed, 0).endswith("about 6.3 GB of the memory of the GPU.")
    assert memory_text(needed, 24 << 30).endswith("which has 26 GB.")
    assert "has 4 GB only. Train the last layers" in memory_text(needed, 4 << 30)

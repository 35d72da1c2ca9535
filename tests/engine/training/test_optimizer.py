"""AdamW: the steps of torch's, without its compiler."""

from __future__ import annotations

import subprocess
import sys

import torch

from cellpose_studio.engine.training.optimizer import AdamW


def weights(seed):
    torch.manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(*shape)) for shape in ((3, 4), (5,), (2,))]


def backward(several):
    # The last one has no gradient, as the frozen part of a network.
    sum((one**2).sum() * n for n, one in enumerate(several[:2], 1)).backward()


def test_the_steps_are_those_of_torch_also_after_a_pause():
    ours, theirs = weights(0), weights(0)
    mine = AdamW(ours, 0.01)
    torchs = torch.optim.AdamW(theirs, lr=0.0, weight_decay=0.01)
    for n in range(8):
        if n == 4:
            state, mine = mine.state(), AdamW(ours, 0.01)
            mine.take_up(state)
        mine.rate = torchs.param_groups[0]["lr"] = 0.1 / (n + 1)
        for several, optimizer in ((ours, mine), (theirs, torchs)):
            for one in several:
                one.grad = None
            backward(several)
            optimizer.step()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def test_a_step_does_not_load_the_compiler():
    code = (
        "import sys, torch\n"
        "from cellpose_studio.engine.training.optimizer import AdamW\n"
        "weight = torch.nn.Parameter(torch.ones(3))\n"
        "weight.sum().backward()\n"
        "AdamW([weight], 0.0, 0.1).step()\n"
        "assert abs(float(weight[0].detach()) - 0.9) < 1e-6\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0

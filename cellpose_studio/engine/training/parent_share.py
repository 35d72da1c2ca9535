"""Keeps a part of what a model knows while it is trained further."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from cellpose_studio.engine.training.state import copied


class ParentShare:
    """Lets a network have a mean of its weights and its first ones for a while.

    A model that lies between its parent and what a training on few images makes of it
    forgets less, and does not fit these images too closely (Wortsman et al., Robust
    fine-tuning of zero-shot models, 2022).

    Parameters
    ----------
    net
        With the weights of the parent, on its device.
    share
        Of the parent in the mean, 0 to 1; with 0, the weights keep their place.
    """

    def __init__(self, net: nn.Module, share: float) -> None:
        self._net = net
        self._share = share
        known = net.state_dict().items() if share else ()
        self._parent = {name: one.detach().clone() for name, one in known}

    @contextmanager
    def mixed_in(self) -> Iterator[None]:
        """Let the network have the mean within the context."""
        if not self._parent:
            yield
            return
        own = copied(self._net)
        with torch.no_grad():
            for name, value in self._net.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(self._parent[name], self._share)
        try:
            yield
        finally:
            self._net.load_state_dict(own)

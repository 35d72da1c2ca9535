"""AdamW, the optimizer of all trainings.

`torch.optim.AdamW` loads torch's compiler with its first step, though nothing is
compiled: that takes most of a second, in which no other thread of Python gets on. The
function of the same steps, which is called here, does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

_BETAS = 0.9, 0.999
_EPSILON = 1e-8


@dataclass(eq=False)
class AdamW:
    """Takes the steps of `torch.optim.AdamW`.

    Parameters
    ----------
    weights
        Changed in place, by their gradients. One without a gradient stays as it is.
    weight_decay
        Of all weights.

    Attributes
    ----------
    rate
        Learning rate of the next step.
    """

    weights: Sequence[Tensor]
    weight_decay: float
    rate: float = 0.0
    _moments: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    """By the place of a weight: number of its steps, means of gradient and square."""

    def step(self) -> None:
        """Take one step."""
        seen = [n for n, one in enumerate(self.weights) if one.grad is not None]
        for n in seen:
            if n not in self._moments:
                self._moments[n] = {
                    "step": torch.zeros(()),
                    "exp_avg": torch.zeros_like(self.weights[n]),
                    "exp_avg_sq": torch.zeros_like(self.weights[n]),
                }
        moments = [self._moments[n] for n in seen]
        first, second = _BETAS
        with torch.no_grad():
            adamw(
                [self.weights[n] for n in seen],
                _gradients(self.weights[n] for n in seen),
                [one["exp_avg"] for one in moments],
                [one["exp_avg_sq"] for one in moments],
                [],
                [one["step"] for one in moments],
                amsgrad=False,
                beta1=first,
                beta2=second,
                lr=self.rate,
                weight_decay=self.weight_decay,
                eps=_EPSILON,
                maximize=False,
            )

    def state(self) -> dict[int, dict[str, Tensor]]:
        """Return a copy of what the next step depends on, in no memory of a GPU."""
        return {
            n: {name: one.to("cpu", copy=True) for name, one in known.items()}
            for n, known in self._moments.items()
        }

    def take_up(self, state: Mapping[int, Mapping[str, Any]]) -> None:
        """Go on from what `state` returned, maybe on another device."""
        self._moments = {
            n: {name: _moved(name, one, self.weights[n]) for name, one in known.items()}
            for n, known in state.items()
        }


def _moved(name: str, value: Tensor, weight: Tensor) -> Tensor:
    """Return a copy where the weight is; the number of steps stays on the CPU."""
    return value.to("cpu" if name == "step" else weight.device, copy=True)


def _gradients(weights: Iterable[Tensor]) -> list[Tensor]:
    return [one.grad for one in weights if one.grad is not None]

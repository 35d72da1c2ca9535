"""What steps that prepare an image are done with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cellpose_studio.core.checkpoint import Checkpoint

if TYPE_CHECKING:
    # The window, which shows the steps, does not wait for torch.
    from cellpose_studio.engine.device import Device


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """What steps are done with.

    Attributes
    ----------
    checkpoint
        Is looked at while pixels are computed, and told what networks have done.
    device
        That runs networks; None is the CPU.
    """

    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    device: Device | None = None

    def check(self) -> None:
        """Raise `Cancelled` after a stop."""
        self.checkpoint.check()

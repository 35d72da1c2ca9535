"""What computes the runs of the window, as the user has chosen it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from cellpose_studio.core.models.architecture import ArchitectureInfo

ChosenPrecision = Literal["", "float32", "bfloat16"]
OptionalEngine = Literal["", "openvino"]

FASTEST = "auto"
"""Name for whichever device of a computer is the fastest."""


@dataclass(frozen=True, kw_only=True)
class ComputeChoice:
    """Device, threads, precision and engine.

    Attributes
    ----------
    device
        torch's name, as "cuda:0"; `FASTEST` for the fastest one that there is.
    threads
        Of the processor; 0 for all but one, which the window needs.
    precision
        Of Transformers; "" for the fastest that the hardware supports natively. U-Nets
        always run in float32.
    engine
        What runs U-Nets on the processor: "" for torch, or "openvino".
    """

    device: str = FASTEST
    threads: int = 0
    precision: ChosenPrecision = ""
    engine: OptionalEngine = ""

    def arguments(self, info: ArchitectureInfo) -> dict[str, Any]:
        """Return engine and precision of runs of a network, None what is not chosen.

        What it cannot run by, or in, is not chosen for it.
        """
        return {
            "engine": (info.openvino and self.engine) or None,
            "precision": (info.bfloat16 and self.precision) or None,
        }

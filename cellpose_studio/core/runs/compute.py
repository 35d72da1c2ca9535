"""What computes the runs of the window, as the user has chosen it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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

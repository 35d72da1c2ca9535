"""The step that merges channels into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from cellpose_studio.core.runs.preparation.step import PreparationStep
from cellpose_studio.core.wording import listed, numbered

Weight = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]


class Merge(PreparationStep):
    """Channels become one more channel, by their sum or their brightest pixels."""

    adds_channel: ClassVar[bool] = True

    kind: Literal["merge"] = "merge"
    channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 2),
        min_length=1,
        title="Channels",
        description="Channels to merge, and how much each counts. Give a bright "
        "channel less weight, so that it does not drown the others. A weight below 0 "
        "takes light that leaks in from another channel away.",
        json_schema_extra={"channels": True, "weights": "weights"},
    )
    weights: tuple[Weight, ...] = Field(
        (),
        title="Weights",
        description="By what each of the channels is multiplied. Empty: all count "
        "the same.",
    )
    how: Literal["sum", "maximum"] = Field(
        "sum",
        title="Merge by",
        description="The sum shows whatever any channel shows. The maximum takes the "
        "brightest of them at each pixel, so that cells do not become brighter where "
        "channels overlap.",
        json_schema_extra={"choices": {"sum": "Sum", "maximum": "Maximum"}},
    )

    @model_validator(mode="after")
    def _fits(self) -> Merge:
        if len(set(self.channels)) < len(self.channels):
            raise ValueError("a channel can be merged once only")
        if self.weights and len(self.weights) != len(self.channels):
            raise ValueError("each channel to merge needs one weight")
        return self

    def name_among(self, names: Sequence[str]) -> str:
        """As in `PreparationStep`."""
        known = [names[c - 1] for c in self.channels if c <= len(names)]
        joined = (" + " if self.how == "sum" else " or ").join(known)
        return numbered(f"merged: {joined}", names.__contains__)

    @property
    def phrase(self) -> str:
        """As in `PreparationStep`."""
        channels = listed([str(c) for c in self.channels])
        text = f"channels {channels} were merged by their {self.how}"
        if not self.weights:
            return text
        return f"{text}, with the weights {listed([f'{w:g}' for w in self.weights])}"

"""The step that subtracts the background."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cellpose_studio.core.models.papers import ROLLING_BALL, SCIKIT_IMAGE, Paper
from cellpose_studio.core.runs.preparation.step import PreparationStep

_METHODS = {
    "rolling-ball": "a rolling ball",
    "white-top-hat": "a white top-hat",
    "black-top-hat": "a black top-hat, after which dark is bright",
    "gaussian": "a Gaussian filter",
}


class SubtractBackground(PreparationStep):
    """Light that changes slowly over a plane is subtracted, plane by plane."""

    kind: Literal["background"] = "background"
    method: Literal["rolling-ball", "white-top-hat", "black-top-hat", "gaussian"] = (
        Field(
            "rolling-ball",
            title="Method",
            description="How the background is found. <b>Rolling ball</b>, as in "
            "Fiji: a ball rolls under the image, and does not fit into cells. "
            "<b>White top-hat</b>: keeps what is bright and narrower than a disc. "
            "<b>Black top-hat</b>: keeps what is dark and narrow, and makes it "
            "bright, for dark cells on an uneven bright ground. <b>Gaussian</b>: "
            "subtracts a strongly blurred image; fast, but leaves dark rims around "
            "bright cells.",
            json_schema_extra={
                "choices": {
                    "rolling-ball": "Rolling ball",
                    "white-top-hat": "White top-hat (bright cells)",
                    "black-top-hat": "Black top-hat (dark cells)",
                    "gaussian": "Gaussian blur",
                }
            },
        )
    )
    radius: int = Field(
        50,
        ge=1,
        le=500,
        title="Radius",
        description="Of the ball, the disc or the blur, in pixels of the image. It "
        "has to be larger than a cell: about the diameter of a cell or more. Smaller "
        "takes more away, up to the cells themselves; larger is slower. Each plane of "
        "a stack and each time point is done on its own.",
        json_schema_extra={"unit": "px"},
    )
    channel: Annotated[int, Field(ge=1)] | None = Field(
        None,
        title="Channel",
        description="The channel to do this on, or all of them.",
        json_schema_extra={"channels": True},
    )

    @property
    def phrase(self) -> str:
        """As in `PreparationStep`."""
        of = "" if self.channel is None else f" of channel {self.channel}"
        return (
            f"the background{of} was subtracted in each plane by "
            f"{_METHODS[self.method]} with a radius of {self.radius} px"
        )

    @property
    def papers(self) -> tuple[Paper, ...]:
        """As in `PreparationStep`."""
        return (ROLLING_BALL, SCIKIT_IMAGE) if self.method == "rolling-ball" else ()

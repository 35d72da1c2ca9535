"""The step that restores the image by a network of Cellpose 3."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from cellpose_studio.core.models.model import diameter_by_name
from cellpose_studio.core.models.papers import CELLPOSE_3, Paper
from cellpose_studio.core.models.published import SHA256
from cellpose_studio.core.runs.preparation.step import HIDDEN, PreparationStep

NetworkName = Literal[
    "denoise_cyto3",
    "deblur_cyto3",
    "oneclick_cyto3",
    "denoise_cyto2",
    "deblur_cyto2",
    "oneclick_cyto2",
    "denoise_nuclei",
    "deblur_nuclei",
    "oneclick_nuclei",
]

NETWORKS: tuple[str, ...] = get_args(NetworkName)
"""Those that a step can be done by: they leave an image at its size."""

_DONE = {
    "denoise": "noise was removed",
    "deblur": "blur was removed",
    "oneclick": "noise and blur were removed",
}


class Restore(PreparationStep):
    """Planes are restored by themselves, at their own size, 0 to 1 at percentiles."""

    runs_network: ClassVar[bool] = True

    kind: Literal["restore"] = "restore"
    model: NetworkName = Field(
        "denoise_cyto3",
        title="Network",
        description="<b>Denoise</b> takes away noise, <b>deblur</b> sharpens, and "
        "<b>one-click</b> does both. Those for cyto3 and cyto2 know cells, those for "
        "nuclei know nuclei. They are downloaded by <i>Models…</i>",
        json_schema_extra={
            "choices": {
                f"{what}_{of}": f"{title} ({of})"
                for of in ("cyto3", "cyto2", "nuclei")
                for what, title in (
                    ("denoise", "Denoise"),
                    ("deblur", "Deblur"),
                    ("oneclick", "One-click"),
                )
            }
        },
    )
    diameter: float | None = Field(
        None,
        gt=0,
        le=5000,
        title="Diameter",
        description="Width of a typical cell of this channel. The network sees it as "
        "wide as the cells that it was trained on: 30 px, nuclei 17 px. Automatic "
        "shows it the image as it is.",
        json_schema_extra={"unit": "px", "automatic": 30.0},
    )
    channel: Annotated[int, Field(ge=1)] | None = Field(
        None,
        title="Channel",
        description="The channel to do this on, or all of them. Each is restored by "
        "itself.",
        json_schema_extra={"channels": True},
    )
    sha256: str = Field(
        "",
        pattern=f"{SHA256}|^$",
        title="SHA-256",
        description="Of the weights: no others do the step. A run fills it in.",
        json_schema_extra={HIDDEN: True},
    )

    @property
    def scale(self) -> float:
        """Pixels that the network sees per pixel of the image."""
        if self.diameter is None:
            return 1.0
        return diameter_by_name(self.model) / self.diameter

    @property
    def phrase(self) -> str:
        """As in `PreparationStep`."""
        of = "" if self.channel is None else f" from channel {self.channel}"
        weights = f"; SHA-256 {self.sha256[:16]}…" if self.sha256 else ""
        width = self.diameter
        seen = "" if width is None else f", at a diameter of the cells of {width:g} px"
        what = _DONE[self.model.partition("_")[0]]
        network = f"the network “{self.model}” ({CELLPOSE_3.short}{weights})"
        return f"{what}{of} by {network}{seen}"

    @property
    def papers(self) -> tuple[Paper, ...]:
        """As in `PreparationStep`."""
        return (CELLPOSE_3,)

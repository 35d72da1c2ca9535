"""How parameters of a run were found: by a search on corrected images."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.wording import cell_count, counted, listed

SEARCH_STATE = "parameter_search"
"""Name under which a project keeps the search whose result was applied last."""

_TITLES = {
    "diameter": "the diameter",
    "flow_threshold": "the flow threshold",
    "cellprob_threshold": "the threshold of the cell probability",
    "min_size": "the size of the smallest cell",
}


class SearchRecord(BaseModel):
    """A search for the parameters that give the best masks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    created: datetime
    model_sha256: str
    parameters: dict[str, float] = Field(
        description="what was found, under Cellpose's names"
    )
    trials: int = Field(description="settings that were tried")
    images: int = Field(description="corrected images that they were tried on")
    cells: int = Field(description="in these images")
    metric: str = Field(description="what was made best, for the user")
    score: float = Field(description="mean over the images")
    score_before: float | None = Field(
        None, description="of the parameters that the masks were made with"
    )
    score_validated: float | None = Field(
        None, description="on images that took no part in the choice; None: too few"
    )

    def fits(self, model_sha256: str, parameters: SegmentationParameters) -> bool:
        """Return whether a run has the parameters that were found."""
        return model_sha256 == self.model_sha256 and all(
            getattr(parameters, name) == value
            for name, value in self.parameters.items()
        )

    @property
    def sentence(self) -> str:
        """What a methods section says of it."""
        names = listed([_TITLES.get(name, name) for name in self.parameters])
        were = "was" if len(self.parameters) == 1 else "were"
        text = (
            f"{names[0].upper()}{names[1:]} {were} found by a search of "
            f"{counted(self.trials, 'setting')} on "
            f"{counted(self.images, 'corrected image')} with {cell_count(self.cells)} "
            f"({self.metric}: {self.score:.3f}"
        )
        if self.score_before is not None:
            text += f", {self.score_before:.3f} before"
        if self.score_validated is not None:
            text += f"; cross-validated {self.score_validated:.3f}"
        return f"{text})."

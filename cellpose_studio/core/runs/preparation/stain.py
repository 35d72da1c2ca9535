"""The step that separates a stain from the colours of histology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from pydantic import Field

from cellpose_studio.core.models.papers import (
    SCIKIT_IMAGE,
    STAIN_SEPARATION,
    Paper,
)
from cellpose_studio.core.runs.preparation.step import PreparationStep
from cellpose_studio.core.wording import numbered

StainName = Literal[
    "haematoxylin",
    "eosin",
    "haematoxylin-of-dab",
    "dab",
    "haematoxylin-of-aec",
    "aec",
    "haematoxylin-of-pas",
    "pas",
    "methyl-green",
    "dab-of-methyl-green",
    "alcian-blue",
    "haematoxylin-of-alcian-blue",
    "feulgen",
    "light-green",
    "methyl-blue",
    "eosin-of-methyl-blue",
]


@dataclass(frozen=True)
class Stain:
    """One stain of those that a section was stained with.

    Attributes
    ----------
    title
        For the user.
    matrix
        That of scikit-image which separates these stains: "hed" for ``hed_from_rgb``.
    index
        Place of the stain in it.
    """

    title: str
    matrix: str
    index: int


STAINS: dict[StainName, Stain] = {
    "haematoxylin": Stain("Haematoxylin, with eosin", "hed", 0),
    "eosin": Stain("Eosin, with haematoxylin", "hed", 1),
    "haematoxylin-of-dab": Stain("Haematoxylin, with DAB", "hdx", 0),
    "dab": Stain("DAB, with haematoxylin", "hdx", 1),
    "haematoxylin-of-aec": Stain("Haematoxylin, with AEC", "hax", 0),
    "aec": Stain("AEC, with haematoxylin", "hax", 1),
    "haematoxylin-of-pas": Stain("Haematoxylin, with PAS", "hpx", 0),
    "pas": Stain("PAS, with haematoxylin", "hpx", 1),
    "methyl-green": Stain("Methyl green, with DAB", "gdx", 0),
    "dab-of-methyl-green": Stain("DAB, with methyl green", "gdx", 1),
    "alcian-blue": Stain("Alcian blue, with haematoxylin", "ahx", 0),
    "haematoxylin-of-alcian-blue": Stain("Haematoxylin, with Alcian blue", "ahx", 1),
    "feulgen": Stain("Feulgen, with light green", "fgx", 0),
    "light-green": Stain("Light green, with Feulgen", "fgx", 1),
    "methyl-blue": Stain("Methyl blue, with eosin (Giemsa)", "bex", 0),
    "eosin-of-methyl-blue": Stain("Eosin, with methyl blue (Giemsa)", "bex", 1),
}
"""All stains that can be separated, by their name in records and commands."""

assert tuple(STAINS) == get_args(StainName)


class SeparateStain(PreparationStep):
    """The amount of one stain becomes one more channel, bright where there is much."""

    adds_channel: ClassVar[bool] = True

    kind: Literal["stain"] = "stain"
    stain: StainName = Field(
        "haematoxylin",
        title="Stain",
        description="The stain to show, and the one it is mixed with. Haematoxylin "
        "shows nuclei, bright on a dark ground as in fluorescence. It is computed "
        "from the red, green and blue of the first three channels.",
        json_schema_extra={"choices": {n: s.title for n, s in STAINS.items()}},
    )

    def name_among(self, names: Sequence[str]) -> str:
        """As in `PreparationStep`."""
        name = STAINS[self.stain].title.partition(",")[0]
        return numbered(name, names.__contains__)

    @property
    def phrase(self) -> str:
        """As in `PreparationStep`."""
        stain = STAINS[self.stain]
        name, _, other = stain.title.partition(", with ")
        return (
            f"the stain {_small(name)} was separated from {_small(other)} by the "
            f"matrix “{stain.matrix}_from_rgb” of scikit-image"
        )

    @property
    def papers(self) -> tuple[Paper, ...]:
        """As in `PreparationStep`."""
        return STAIN_SEPARATION, SCIKIT_IMAGE


def _small(name: str) -> str:
    """Return a name within a sentence; abbreviations keep their capitals."""
    word = name.partition(" ")[0]
    proper = word.isupper() or word in ("Alcian", "Feulgen")
    return name if proper else f"{name[0].lower()}{name[1:]}"

"""What all steps that prepare an image have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from cellpose_studio.core.models.papers import Paper

HIDDEN = "hidden"
"""Hint of a field that no form shows: a run fills it in."""

BETWEEN = "+"
"""Between the values of a field that has several, in `PreparationStep.text`."""


class PreparationStep(BaseModel):
    """One step; steps are done in their order, each on what the one before gave.

    A step either adds one channel after those of the image, or changes pixels. Fields
    are written for the form, as those of `SegmentationParameters`; a field with the
    hint ``channels`` holds numbers of channels, from 1.

    Attributes
    ----------
    runs_network
        Whether a network does it, which takes time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    adds_channel: ClassVar[bool] = False
    runs_network: ClassVar[bool] = False

    kind: str

    def name_among(self, names: Sequence[str]) -> str:
        """Return the name of the channel that the step adds to those with ``names``.

        Only of a step that ``adds_channel``.
        """
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The step as an option of a command: ``background:radius=30``.

        Without the fields that have their defaults.
        """
        given = [
            f"{name}={_value(value)}"
            for name, field in type(self).model_fields.items()
            if name != "kind" and (value := getattr(self, name)) != field.default
        ]
        return f"{self.kind}:{','.join(given)}" if given else self.kind

    def __str__(self) -> str:
        """Return `text`, for lists of parameters."""
        return self.text

    @property
    def phrase(self) -> str:
        """What was done, for the methods of a paper, with a verb in the past."""
        raise NotImplementedError

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Papers to cite for it."""
        return ()


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return BETWEEN.join(_value(part) for part in value)
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value)

"""All kinds of steps that prepare an image, and steps as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.core.runs.preparation.merge import Merge
from cellpose_studio.core.runs.preparation.restore import Restore
from cellpose_studio.core.runs.preparation.stain import SeparateStain
from cellpose_studio.core.runs.preparation.step import BETWEEN, PreparationStep

Step = Annotated[
    Merge | SubtractBackground | SeparateStain | Restore, Field(discriminator="kind")
]
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class StepKind:
    """A kind of step, as the user chooses it.

    Attributes
    ----------
    title
        Verb and object.
    tip
        What it is for.
    model
        Class of the steps of this kind.
    """

    title: str
    tip: str
    model: type[PreparationStep]


STEP_KINDS = {
    "merge": StepKind(
        "Merge channels",
        "Makes one channel of several, for a model that should see them together: all "
        "membrane markers, or all nuclei.",
        Merge,
    ),
    "background": StepKind(
        "Subtract background",
        "Takes away light that changes slowly over the image: uneven illumination, "
        "medium, light from out of focus.",
        SubtractBackground,
    ),
    "stain": StepKind(
        "Separate a stain",
        "Makes a channel of one stain of a colour image: haematoxylin for the nuclei "
        "of histology.",
        SeparateStain,
    ),
    "restore": StepKind(
        "Restore",
        "Takes away noise or blur by a network of Cellpose 3. Takes about as long as "
        "the run itself.",
        Restore,
    ),
}
"""By the ``kind`` of its steps, in the order of menus."""

_STEP: TypeAdapter[Any] = TypeAdapter(Step)


def names_after(
    names: Sequence[str], steps: Sequence[PreparationStep]
) -> tuple[str, ...]:
    """Return the names of the channels after some steps, from those before."""
    found = list(names)
    for step in steps:
        if step.adds_channel:
            found.append(step.name_among(found))
    return tuple(found)


def from_text(text: str) -> Any:
    """Return the step of an option, the reverse of `PreparationStep.text`.

    Raises
    ------
    ValueError
        With a sentence that says what is wrong.
    """
    kind, _, rest = text.strip().partition(":")
    if kind not in STEP_KINDS:
        kinds = ", ".join(STEP_KINDS)
        raise ValueError(f"{kind or text!r} is no step: give one of {kinds}")
    values: dict[str, Any] = {"kind": kind}
    fields = STEP_KINDS[kind].model.model_fields
    for part in filter(None, rest.split(",")):
        name, equals, value = part.partition("=")
        if not equals or name == "kind" or name not in fields:
            known = ", ".join(f"{field}=…" for field in fields if field != "kind")
            raise ValueError(f"{part!r} says nothing about {kind}: give {known}")
        several = isinstance(fields[name].default, tuple)
        values[name] = value.split(BETWEEN) if several else value
    try:
        return _STEP.validate_python(values)
    except ValidationError as error:
        problem = error.errors()[0]
        said = problem["msg"].removeprefix("Value error, ")
        at = [str(place) for place in problem["loc"] if place in fields]
        about = f"{at[0]}: " if at else ""
        raise ValueError(f"{text}: {about}{said}") from error

"""Which parameters differ between two runs, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cellpose_studio.core.runs.parameters import GREY, SegmentationParameters

_NO_MATTER = ("batch_size",)
"""The result is the same."""

_CHANNELS = "Channels"
_CHOSEN = (_CHANNELS, "Finish cells")
"""Titles of what the image and the model choose, unless the user does."""

_NO_REGION = "the whole image"


def changes_between(
    before: SegmentationParameters | None,
    after: SegmentationParameters | None,
    channel_names: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return "Diameter 30 → 45 px" for each parameter that differs.

    Without ``before``, what is not Cellpose's default counts. Channels are told by
    their number where ``channel_names`` lacks them.
    """
    if after is None:
        return ()
    if before is None:
        return tuple(_own(after))
    return tuple(_differences(before, after, channel_names))


def _own(parameters: SegmentationParameters) -> Iterator[str]:
    default = SegmentationParameters()
    if not parameters.do_3D:
        # The anisotropy has no effect without 3D.
        default = default.model_copy(update={"anisotropy": parameters.anisotropy})
    for field, old, new in _pairs(default, parameters):
        if old != new and field.title not in _CHOSEN:
            yield f"{field.title} {_value(new)}{_unit(field)}"


def _differences(
    before: SegmentationParameters,
    after: SegmentationParameters,
    names: Sequence[str],
) -> Iterator[str]:
    for field, old, new in _pairs(before, after):
        if old != new and field.title == _CHANNELS:
            yield f"{_CHANNELS} {_named(old, names)} → {_named(new, names)}"
        elif old != new:
            yield f"{field.title} {_value(old)} → {_value(new)}{_unit(field)}"


def _pairs(one: BaseModel, other: BaseModel) -> Iterator[tuple[FieldInfo, Any, Any]]:
    """Yield each field with both values, those of the normalisation among them."""
    for name, field in type(one).model_fields.items():
        old, new = getattr(one, name), getattr(other, name)
        if name == "region":
            yield field, old or _NO_REGION, new or _NO_REGION
        elif isinstance(old, BaseModel):
            yield from _pairs(old, new)
        elif name not in _NO_MATTER:
            yield field, old, new


def _named(channels: Sequence[int | None], names: Sequence[str]) -> str:
    """Return the names of the channels that the inputs of a network see."""
    known = dict(enumerate(names, 1)) | {GREY: "grey"}
    seen = [known.get(one, str(one)) for one in channels if one is not None]
    return ", ".join(seen) or _value(None)


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, dict) else None
    return f" {unit}" if unit else ""


def _value(value: Any) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join("none" if v is None else _value(v) for v in value) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)

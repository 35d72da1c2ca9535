"""The parameters of a run that differ from Cellpose's defaults."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from cellpose_studio.core.runs.parameters import SegmentationParameters


def changed_fields(values: BaseModel) -> dict[str, Any]:
    """Return the fields that differ from their defaults, in their order."""
    fields = type(values).model_fields
    found = {name: getattr(values, name) for name in fields}
    return {
        name: value
        for name, value in found.items()
        if value != fields[name].get_default(call_default_factory=True)
    }


def changed_parameters(parameters: SegmentationParameters) -> dict[str, Any]:
    """Return all parameters that differ, including those of the normalisation."""
    fields = changed_fields(parameters)
    fields.pop("normalization", None)
    return {**fields, **changed_fields(parameters.normalization)}

"""Inputs of a run as entities of an RO-Crate: model, software, parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cellpose_studio.core.provenance.record import RunRecord

Entity = dict[str, Any]

STUDIO = "#cellpose-studio"
MODEL = "#model"

_PYTHON = "https://www.python.org/"
_PACKAGE = "https://pypi.org/project/{}/"


def ref(name: str) -> Entity:
    """Return a reference to the entity with an id."""
    return {"@id": name}


def refs(entities: Iterator[Entity]) -> list[Entity]:
    """Return references to all ``entities``."""
    return [ref(entity["@id"]) for entity in entities]


def model_entity(record: RunRecord) -> Entity:
    """Return the entity of the weights."""
    weights = record.model
    return {
        "@id": MODEL,
        "@type": "CreativeWork",
        "name": weights.title or weights.name,
        "description": f"Weights of a network of Cellpose {weights.generation} "
        f"({weights.architecture}), {weights.source}.",
        "sha256": weights.sha256,
    }


def software_entities(record: RunRecord) -> Iterator[Entity]:
    """Yield the entities of the software; the first one is the instrument."""
    own = "cellpose-studio"
    others = [name for name in record.versions if name != own]
    studio: Entity = {
        "@id": STUDIO,
        "@type": "SoftwareApplication",
        "name": "Cellpose Studio",
        "softwareRequirements": [ref(_home(name)) for name in others],
    }
    if own in record.versions:
        studio["softwareVersion"] = record.versions[own]
    if record.platform:
        studio["operatingSystem"] = record.platform
    yield studio
    for name in others:
        yield {
            "@id": _home(name),
            "@type": "SoftwareApplication",
            "name": name,
            "softwareVersion": record.versions[name],
            "url": _home(name),
        }


def _home(package: str) -> str:
    return _PYTHON if package == "python" else _PACKAGE.format(package)


def parameter_entities(record: RunRecord) -> Iterator[Entity]:
    """Yield every parameter of the run, and its hardware."""
    region = record.parameters.region
    nested = {"normalization", "preparation", "region"}
    parameters = record.parameters.model_dump(exclude=nested)
    normalization = record.parameters.normalization.model_dump()
    where = {
        "region": "the whole image" if region is None else str(region),
        "device": record.device_title or record.device,
        "precision": record.precision,
        "threads": record.threads,
        "engine": record.engine_used,
    }
    steps = record.parameters.preparation
    done = {"preparation": "; ".join(step.text for step in steps)} if steps else {}
    for name, value in {**parameters, **normalization, **done, **where}.items():
        yield {
            "@id": f"#parameter-{name}",
            "@type": "PropertyValue",
            "name": name,
            "value": _plain(value),
        }


def _plain(value: object) -> object:
    """Return a value that JSON-LD does not interpret differently."""
    # JSON-LD drops null, and takes a list for a set without order.
    if value is None:
        return "automatic"
    if isinstance(value, tuple):
        return ", ".join("none" if part is None else str(part) for part in value)
    return value

"""The JSON-LD of an RO-Crate that holds the masks of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from cellpose_studio.core.provenance.hand_work import HandWork
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry
from cellpose_studio.core.recipes import as_command, describe_edits
from cellpose_studio.io.ro_crate.class_files import CLASSES, CLASSIFIER
from cellpose_studio.io.ro_crate.run_entities import (
    MODEL,
    STUDIO,
    Entity,
    model_entity,
    parameter_entities,
    ref,
    refs,
    software_entities,
)

_CONTEXT = (
    "https://w3id.org/ro/crate/1.1/context",
    {"sha256": "http://schema.org/sha256"},
)
_CRATE = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_STATUS = "http://schema.org/{}ActionStatus"
_FORMATS = {
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".json": "application/json",
    ".csv": "text/csv",
    ".txt": "text/plain",
}
_NAMES = {
    "run-record.json": "Record of the run, with all parameters and versions",
    "methods.txt": "How the masks were made, in words",
    CLASSES: "Classes of the cells",
}
_MASKS = "_cp_masks.tif"


@dataclass(frozen=True, kw_only=True)
class Content:
    """Content of a crate.

    Attributes
    ----------
    image
        Name of the image's file in the crate, or its URI elsewhere.
    files
        Sizes of the files in the crate, by their names.
    hand, author, licence
        As in `write_ro_crate`.
    classes
        What was done to class cells; "" for nothing.
    """

    record: RunRecord
    image: str
    files: Mapping[str, int]
    hand: HandWork
    author: str
    licence: str
    classes: str = ""

    @property
    def masks(self) -> str:
        """Name of the file of masks."""
        names = (name for name in self.files if name != self.image)
        return next(name for name in names if name.endswith(_MASKS))


def metadata(content: Content) -> Entity:
    """Return the content of ``ro-crate-metadata.json``."""
    graph = [
        _descriptor(),
        _root(content),
        {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate"}
        | {"version": "0.5"},
        *_files(content),
        model_entity(content.record),
        *software_entities(content.record),
        *parameter_entities(content.record),
        *_actions(content),
        _licence(content.licence),
    ]
    if content.author:
        graph.append({"@id": "#author", "@type": "Person", "name": content.author})
    return {"@context": list(_CONTEXT), "@graph": graph}


def _file_id(name: str) -> str:
    """Return the name of a file as a relative URI."""
    return quote(name)


def _image_id(content: Content) -> str:
    inside = content.image in content.files
    return _file_id(content.image) if inside else content.image


def _licence(licence: str) -> Entity:
    return {
        "@id": licence if licence.startswith("http") else "#licence",
        "@type": "CreativeWork",
        "name": licence or "Not stated",
        "description": "What others may do with the masks.",
    }


def _one_or_all(entities: list[Entity]) -> Entity | list[Entity]:
    """Return a single reference without a list, as RO-Crate recommends."""
    return entities[0] if len(entities) == 1 else entities


def _descriptor() -> Entity:
    return {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": ref(_CRATE),
        "about": ref("./"),
    }


def _root(content: Content) -> Entity:
    record = content.record
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Masks of {record.image.name}",
        "description": f"Cells in {record.image.name}, segmented with "
        f"{record.model.title or record.model.name} in Cellpose Studio, with the "
        "record of the run.",
        "datePublished": datetime.now(UTC).isoformat(timespec="seconds"),
        "conformsTo": ref(_PROFILE),
        "hasPart": refs(_files(content)),
        "license": ref(_licence(content.licence)["@id"]),
        "mentions": _one_or_all(refs(_actions(content))),
    }
    if content.author:
        root["author"] = ref("#author")
    return root


def _files(content: Content) -> Iterator[Entity]:
    image = content.record.image
    yield {
        "@id": _image_id(content),
        "@type": "File",
        "name": image.name,
        "description": "The image that was segmented. The SHA-256 is that of its "
        "pixels: TCZYX, C order, little-endian.",
        "encodingFormat": _format(image.path),
        **({"sha256": image.pixels_sha256} if image.pixels_sha256 else {}),
    }
    for name, size in content.files.items():
        if name == content.image:
            continue
        masks = name == content.masks
        what = "Masks: 0 for background, 1, 2, 3 … for cells" if masks else name
        yield {
            "@id": _file_id(name),
            "@type": "File",
            "name": _title(name) or what,
            "encodingFormat": _format(name),
            "contentSize": str(size),
        }


def _title(name: str) -> str:
    """Return what a file is; "" if its name does not tell."""
    if name.startswith(CLASSIFIER):
        return "Record of a classifier of cells, with its accuracy"
    return _NAMES.get(name, "")


def _format(name: str) -> str:
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return _FORMATS.get(suffix, "application/octet-stream")


def _actions(content: Content) -> Iterator[Entity]:
    record = content.record
    end = record.started + timedelta(seconds=record.seconds)
    given = [ref(_image_id(content)), ref(MODEL)]
    finished = record.outcome == "finished"
    action: Entity = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Segment {record.image.name}",
        "description": as_command(record, windows=False),
        "startTime": record.started.isoformat(timespec="seconds"),
        "endTime": end.isoformat(timespec="seconds"),
        "actionStatus": _STATUS.format("Completed" if finished else "Failed"),
        "instrument": ref(STUDIO),
        "object": [*given, *refs(parameter_entities(record))],
        "result": ref(_file_id(content.masks)),
    }
    if record.message:
        action["error"] = record.message
    yield action | _agent(content)
    edits = (*content.hand.before, *content.hand.after)
    if what := describe_edits(edits):
        yield _correction(content, edits, what)
    if content.classes:
        yield _classing(content)


def _correction(content: Content, edits: Sequence[JournalEntry], what: str) -> Entity:
    return {
        "@id": "#edits",
        "@type": "CreateAction",
        "name": "Correct the masks by hand",
        "description": what,
        "startTime": edits[0].time.isoformat(timespec="seconds"),
        "endTime": edits[-1].time.isoformat(timespec="seconds"),
        "actionStatus": _STATUS.format("Completed"),
        "instrument": ref(STUDIO),
        "object": ref(_image_id(content)),
        "result": ref(_file_id(content.masks)),
        **_agent(content),
    }


def _classing(content: Content) -> Entity:
    records = [name for name in content.files if name.startswith(CLASSIFIER)]
    return {
        "@id": "#classes",
        "@type": "CreateAction",
        "name": "Put the cells into classes",
        "description": content.classes,
        "actionStatus": _STATUS.format("Completed"),
        "instrument": ref(STUDIO),
        "object": [ref(_image_id(content)), ref(_file_id(content.masks))],
        "result": [ref(_file_id(name)) for name in (CLASSES, *records)],
        **_agent(content),
    }


def _agent(content: Content) -> Entity:
    return {"agent": ref("#author")} if content.author else {}

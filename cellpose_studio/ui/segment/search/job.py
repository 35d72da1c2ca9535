"""Starts a parameter search on the corrected images of the session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cellpose_studio.app.images.decisions import decisions_of
from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.cache.flows import FlowCache
from cellpose_studio.workflows.evaluation.corrected import record_behind
from cellpose_studio.workflows.evaluation.decisions import Decisions
from cellpose_studio.workflows.evaluation.search import (
    ImageToSearch,
    Searchable,
    search,
    searchable,
)
from cellpose_studio.workflows.evaluation.trials import (
    Metric,
    SearchTable,
    trials_around,
)

_FACTORS = (0.8, 1.25)
"""Diameters to try, as parts of that of the run."""


@dataclass(frozen=True, kw_only=True)
class WantedSearch:
    """What the user asked for.

    Attributes
    ----------
    diameters
        Other diameters are tried as well.
    """

    metric: Metric = "ap"
    diameters: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class _Corrected:
    """A corrected image, as the GUI thread knows it."""

    image: ProjectImage
    head: LabelRevision
    decisions: Decisions
    reviewed: bool
    read: Callable[[], Labels]


def corrected(session: Session) -> list[ProjectImage]:
    """Return the images that can be searched on: runs that were corrected."""
    return [
        image
        for image in session.images
        if (masks := image.masks) is not None
        # Imported masks, and those that are drawn by hand alone, are of no run.
        and (masks.run is not None or masks.record is not None)
        and (image.reviewed or image.is_corrected(image.active))
    ]


def search_work(
    session: Session,
    wanted: WantedSearch,
    flows: FlowCache,
    started: Callable[[SearchTable, Searchable], None],
) -> Callable[[Checkpoint], SearchTable]:
    """Return the work of a search; for the GUI thread, which takes snapshots.

    ``started`` is called in the thread of the work with the table, which fills.
    """
    project = session.project
    shown = session.shown.id if session.shown is not None else 0
    taken = []
    for image in corrected(session):
        labels = image.kept_masks(image.active)
        if labels is None or labels.revision is None:
            continue
        taken.append(
            _Corrected(
                image=image,
                head=labels.revision,
                decisions=decisions_of(session, image, image.active),
                reviewed=image.reviewed,
                read=_reader(project, labels.pixels, labels.revision),
            )
        )

    def work(checkpoint: Checkpoint) -> SearchTable:
        found = searchable(_with_records(project, taken), shown)
        parameters = found.record.parameters
        table = SearchTable(
            trials=trials_around(
                parameters, _diameters(parameters) if wanted.diameters else ()
            ),
            images=[one.image.name for one in found.images],
            metric=wanted.metric,
        )
        started(table, found)
        search(found.images, table, flows, checkpoint)
        return table

    return work


def _diameters(parameters: SegmentationParameters) -> list[float]:
    width = parameters.diameter or 30.0
    return [round(width * factor, 1) for factor in _FACTORS]


def _with_records(project: Project, taken: list[_Corrected]) -> list[ImageToSearch]:
    found = []
    for one in taken:
        record = project.read(partial(record_behind, head=one.head))
        if record is not None:
            found.append(
                ImageToSearch(
                    image=one.image.source,
                    record=record,
                    read=one.read,
                    decisions=one.decisions,
                    reviewed=one.reviewed,
                    id=one.image.id,
                )
            )
    return found


def _reader(
    project: Project, pixels: LabelImage, head: LabelRevision
) -> Callable[[], Labels]:
    snapshots = [pixels.snapshot()] if pixels.loaded else []

    def read() -> Labels:
        return snapshots[0].array() if snapshots else project.labels_now(head)

    return read

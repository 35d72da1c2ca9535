"""Brings an earlier revision back, with all that is known of it."""

from __future__ import annotations

from dataclasses import replace

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.merge import decisions
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.project_masks import ProjectMasks
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.matching.links import match_cells
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.runs import read_run
from cellpose_studio.workflows.recompute import LazyMaskMaker


def read_masks(
    project: Project,
    stored: ProjectMasks,
    flows: FlowStore,
    image: ProjectImage,
    name: str,
    revision: LabelRevision,
) -> LabelSet:
    """Return masks as they were at a revision, in memory; for any thread.

    Their flows come with them where the cache still has them, so that thresholds
    can be changed at once.

    Raises
    ------
    ProjectDamaged
    """
    run = revision.run
    record = project.read(lambda db: read_run(db, run)) if run else None
    kept = flows.get(image.source, record, revision)
    labels = stored.label_set(name, revision)
    pixels = LabelImage(labels.array)
    # The table is computed here, so that the GUI thread need not do it.
    pixels.load()
    return replace(
        labels,
        pixels=pixels,
        kept=decisions(project, labels),
        record=record,
        confidence=project.read(lambda db: read_confidence(db, revision.id)),
        flows=kept,
        maker=LazyMaskMaker(kept, image.source.label_shape) if kept else None,
    )


def ids_in(restored: LabelSet, present: Snapshot) -> dict[int, int]:
    """Return for cells of the present masks the ids that they have in restored ones.

    They are told by where they are, because all may have got other ids since. For any
    thread.
    """
    labels = present.array()
    if labels.shape != restored.array.shape:
        return {}
    return {now: then for then, now in match_cells(labels, restored.array).items()}

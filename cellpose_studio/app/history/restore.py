"""Brings an earlier revision back, with all that is known of it."""

from __future__ import annotations

from dataclasses import replace

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.merging.merge import decisions
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.project_masks import ProjectMasks
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.masks.labels import cell_ids
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.matching.compare import same_cells
from cellpose_studio.core.matching.renaming import Renaming
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


def renaming_to(restored: LabelSet, present: Snapshot) -> Renaming:
    """Return which cells of the present masks are in restored ones, for any thread.

    Cells are the same if all their pixels are. They are told by where they are, as
    all may have other ids since; so what was decided on a shape stays with it, and no
    other shape has it.
    """
    after = restored.array
    same: dict[int, int] = {}
    labels = present.array()
    if labels.shape == after.shape:
        same = same_cells(labels, after)
    return Renaming(
        {
            cell: frozenset([same[cell]] if cell in same else [])
            for cell in cell_ids(after)
        }
    )

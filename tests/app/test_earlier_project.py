"""A project of an earlier version opens, undoes, redoes and replays as it did then.

See tests/fixtures/earlier_project/README.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellpose_studio.app.history.lineage import HistoryNode, Present, read_lineages
from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.runs.runner import RUN_RESULT, Runs
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.engine.device import cpu_capability
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.presets import read_presets
from cellpose_studio.io.project.tables.undo_steps import JournalStep
from cellpose_studio.workflows.provenance.origin import NoRun
from cellpose_studio.workflows.provenance.replay import ReplayResult, replay
from cellpose_studio.workflows.provenance.run_record import masks_sha256

SAVED = Path(__file__).parents[1] / "fixtures" / "earlier_project"
EXPECTED = json.loads((SAVED / "expected.json").read_text("utf-8"))
RUNS = [number for number, told in EXPECTED["replay"].items() if told]


@pytest.fixture
def saved(qapp, earlier_project: Path) -> Iterator[Session]:
    project = Project.open(earlier_project)
    yield Session(project)
    project.close()


def state_of(session: Session) -> dict[str, dict[str, object]]:
    """Return hashes of all masks and the statuses, as EXPECTED has them."""
    masks, statuses = {}, {}
    for image in session.images:
        for name, masks_of in image.label_sets.items():
            pixels = hashlib.sha256(masks_of.array.tobytes()).hexdigest()[:16]
            masks[f"{image.source.name}/{name}"] = pixels
        for name, known in image.statuses.items():
            if known:
                named = {str(cell): status for cell, status in sorted(known.items())}
                statuses[f"{image.source.name}/{name}"] = named
    return {"masks": masks, "statuses": statuses}


def lines_of(step: HistoryNode, depth: int = 0) -> Iterator[str]:
    revision, record = step.revision, step.record
    parts = [
        revision.kind if revision else f"run {record.outcome}",
        revision.origin if revision else record.message,
        f"{revision.cells} cells" if revision else "",
        record.model.name if record else "",
        "; ".join(step.changes),
        ", ".join(entry.operation for entry in step.edits),
        revision.note if revision else "",
    ]
    yield "  " * depth + " | ".join(parts)
    for below in step.below:
        yield from lines_of(below, depth + 1)


def test_it_opens_elsewhere_with_the_same_masks(saved, earlier_project):
    images = [[i.source.name, i.active, i.reviewed] for i in saved.images]
    assert images == EXPECTED["images"]
    assert {i.source.path.parent for i in saved.images} == {earlier_project.parent}
    assert all(i.source.plane(0, 0, 0).any() for i in saved.images)
    cells = {
        f"{image.source.name}/{name}": masks.cells
        for image in saved.images
        for name, masks in image.label_sets.items()
    }
    assert cells == EXPECTED["cells"]
    assert state_of(saved) == EXPECTED["states"][EXPECTED["at"]]
    assert saved.project.state("window") == EXPECTED["state"]


def steps_of(session: Session) -> list[JournalStep]:
    """Return the steps on all listed images, in the order in which they were made."""
    listed = {
        number for image in session.images for number in image.label_set_ids.values()
    }
    steps = [s for s in session.project.steps if s.entry.label_set in listed]
    return sorted(steps, key=lambda step: step.entry.id)


def show_image_of(session: Session, step: JournalStep) -> None:
    [image] = [
        image
        for image in session.images
        if step.entry.label_set in image.label_set_ids.values()
    ]
    session.show(image.source.key)


def test_every_step_undoes_and_redoes_to_the_same_pixels(saved):
    states, at, last = EXPECTED["states"], EXPECTED["at"], len(EXPECTED["steps"])
    steps = steps_of(saved)
    for n in range(at, 0, -1):
        show_image_of(saved, steps[n - 1])
        assert saved.undo_text == EXPECTED["steps"][n - 1]
        saved.undo()
        assert state_of(saved) == states[n - 1]
    for image in saved.images:
        saved.show(image.source.key)
        assert not saved.can_undo
    for n in range(last):
        show_image_of(saved, steps[n])
        assert saved.redo_text == EXPECTED["steps"][n]
        saved.redo()
        assert state_of(saved) == states[n + 1]
    for image in saved.images:
        saved.show(image.source.key)
        assert not saved.can_redo


def test_undone_steps_are_there_after_another_start(saved, earlier_project):
    at, steps = EXPECTED["at"], steps_of(saved)
    for step in steps[at - 5 : at][::-1]:
        show_image_of(saved, step)
        saved.undo()
    for step in steps[at - 5 : at - 3]:
        show_image_of(saved, step)
        saved.redo()
    saved.seal_all()
    saved.project.close()
    again = Project.open(earlier_project)
    session = Session(again)
    assert state_of(session) == EXPECTED["states"][at - 3]
    for n in range(at - 3, 0, -1):
        show_image_of(session, steps[n - 1])
        session.undo()
        assert state_of(session) == EXPECTED["states"][n - 1]
    again.close()


def test_the_history_tells_the_same(saved):
    told = {}
    for image in saved.images:
        present = [
            Present(name, image.label_set_ids[name], masks.revision.id)
            for name, masks in image.label_sets.items()
        ]
        found = saved.project.read(
            lambda db, image=image, present=present: read_lineages(
                db, image.id, present, RUN_RESULT
            )
        )
        for one in found:
            told[f"{image.source.name}/{one.name}"] = [
                *(line for step in one.line for line in lines_of(step)),
                *(f"other: {line}" for step in one.others for line in lines_of(step)),
                *(f"open: {edit.operation}" for edit in one.open_edits),
            ]
    # Revisions whose edits were all undone were listed, and are no longer.
    expected = {
        name: [line for line in lines if not re.match("edit .*\\|  \\|  \\| $", line)]
        for name, lines in EXPECTED["history"].items()
    }
    assert sum(map(len, EXPECTED["history"].values())) - 1 == sum(
        map(len, expected.values())
    )
    assert told == expected


def test_the_rest_of_the_project_is_there(saved, queue):
    [preset] = saved.project.read(read_presets)
    assert (preset.name, preset.model) == ("Round nuclei", "nuclei-small")
    training = TrainingSet(saved)
    roles = [training.role(image) for image in saved.images]
    assert roles == [None, "train", "validation"]
    runs = BatchQueue(saved, Runs(saved, queue), queue)
    assert [(i.image, i.state) for i in runs.items] == [(2, "done"), (1, "waiting")]
    assert runs.paused


def test_a_removed_image_has_its_masks_when_added_again(saved, earlier_project):
    [image] = saved.add(open_images(earlier_project.parent / "d.tif"))
    assert masks_sha256(image.masks.array).startswith(EXPECTED["removed"]["d.tif"])


@pytest.mark.parametrize("revision", RUNS)
def test_replay_gives_the_same_masks_again(earlier_project, revision):
    expected = EXPECTED["replay"][revision]
    result = replay(earlier_project, int(revision), Checkpoint())
    assert not result.image_changed
    *counts, pixels = expected["comparison"]
    found = result.comparison
    if is_as_then(result):
        assert result.identical
        assert result.cells == expected["cells"]
        kinds = (found.unchanged, found.changed, found.added, found.removed)
        assert [len(cells) for cells in kinds] == counts
        assert found.pixels == pixels
        assert result.edits_repeat == expected["edits_repeat"]
    # Other processors and libraries round differently.
    assert abs(found.pixels - pixels) <= 20


@pytest.mark.parametrize("revision", sorted(EXPECTED["replay"].keys() - set(RUNS)))
def test_imported_masks_have_no_run_to_replay(earlier_project, revision):
    with pytest.raises(NoRun, match=r"c_cp_masks\.tif"):
        replay(earlier_project, int(revision), Checkpoint())


def is_as_then(result: ReplayResult) -> bool:
    """Return whether this computer and its libraries are those of the run."""
    platform = result.made.known_record().platform
    return not result.notes and platform.endswith(f"CPU with {cpu_capability()}")

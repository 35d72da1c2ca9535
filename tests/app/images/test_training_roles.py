"""Masks that are used for training: which revision of them."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.app.images.training_roles import TrainingMembers
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.revisions import read_revision
from cellpose_studio.io.project.tables.training import read_members

WAIT = 20_000  # ms


@pytest.fixture
def entry(session, cells):
    """Return an image whose masks were edited since they became a revision."""
    [entry] = session.add(open_images(cells("a.tif", (32, 32))))
    labels = LabelSet("cells", LabelImage(np.ones((32, 32), "u4")), "run", 1)
    session.replace_labels(entry, labels, "Run")
    draw(session, entry, 7)
    return entry


def draw(session, entry, cell):
    region = (slice(2, 6),) * 2
    pixels = np.full((4, 4), cell, "u4")
    labels = entry.labels.labels
    session.edit(entry, edit_between("Draw", [cell], labels, region, pixels))


def test_masks_are_used_as_they_are_when_they_are_chosen(session, entry, queue):
    members = TrainingMembers(session, queue)
    members.set_role(entry, "train")
    draw(session, entry, 8)
    session.seal(entry)
    [member] = session.project.read(read_members)
    revision = session.project.read(lambda db: read_revision(db, member.revision))
    assert revision.kind == "edit"
    assert 7 in session.project.labels(revision)
    assert member.revision != entry.labels.revision.id
    members.set_role(entry, "test")
    [member] = session.project.read(read_members)
    assert (member.revision, member.role) == (entry.labels.revision.id, "test")
    members.set_role(entry, None)
    assert session.project.read(read_members) == []


def test_edits_that_are_in_the_journal_only_are_used_too(
    session, entry, project, queue, qtbot
):
    project.writer.flush()
    project.close()
    again = type(session)(type(project).open(project.path))
    members = TrainingMembers(again, queue)
    [entry] = again.entries
    assert not entry.labels.pixels.loaded
    members.set_role(entry, "train")
    assert members.role(entry) == "train"
    qtbot.waitUntil(lambda: not queue.jobs, timeout=WAIT)
    [member] = again.project.read(read_members)
    revision = again.project.read(lambda db: read_revision(db, member.revision))
    assert 7 in again.project.labels(revision)
    again.project.close()

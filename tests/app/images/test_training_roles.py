"""Masks that are used for training: which revision of them."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.app.images.training_roles import TrainingRoles
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.revisions import read_revision
from cellpose_studio.io.project.tables.training.members import read_members
from tests.app.drawing import draw

WAIT = 20_000  # ms


@pytest.fixture
def image(session, cells):
    """Return an image whose masks were edited since they became a revision."""
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    labels = LabelSet(
        name="cells", pixels=LabelImage(np.ones((32, 32), "u4")), origin="run", cells=1
    )
    session.replace_masks(image, labels, "Run")
    draw(session, image, 7)
    return image


def test_masks_are_used_as_they_are_when_they_are_chosen(session, image, queue):
    members = TrainingRoles(session, queue)
    members.set_role(image, "train")
    draw(session, image, 8)
    session.seal(image)
    [member] = session.project.read(read_members)
    revision = session.project.read(lambda db: read_revision(db, member.revision))
    assert revision.kind == "edit"
    assert 7 in session.project.labels(revision)
    assert member.revision != image.masks.revision.id
    members.set_role(image, "test")
    [member] = session.project.read(read_members)
    assert (member.revision, member.role) == (image.masks.revision.id, "test")
    members.set_role(image, None)
    assert session.project.read(read_members) == []


def test_edits_that_are_in_the_journal_only_are_used_too(
    session, image, project, queue, qtbot
):
    project.writer.flush()
    project.close()
    again = type(session)(type(project).open(project.path))
    members = TrainingRoles(again, queue)
    [image] = again.images
    assert not image.masks.pixels.loaded
    members.set_role(image, "train")
    assert members.role(image) == "train"
    qtbot.waitUntil(lambda: not queue.jobs, timeout=WAIT)
    [member] = again.project.read(read_members)
    revision = again.project.read(lambda db: read_revision(db, member.revision))
    assert 7 in again.project.labels(revision)
    again.project.close()

"""Slow edits: one step when they are done, nothing if the masks are others by then."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication, QEvent

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.io.images.reader import open_images


@pytest.fixture
def image(session, cells):
    """Return an image with cells 3 and 7."""
    [source] = open_images(cells("a.tif", (32, 32)))
    [image] = session.add([source])
    session.show(source.key)
    labels = np.zeros((32, 32), np.uint32)
    labels[2:9, 2:9], labels[20:29, 20:29] = 3, 7
    session.replace_masks(
        image,
        LabelSet(name="cells", pixels=LabelImage(labels), origin="", cells=2),
        "Run",
    )
    return image


class Slow:
    """Deletes cell 3 in a job, and hears what comes of it."""

    def __init__(self, session, queue, image) -> None:
        self.slow = BackgroundEdits(session, queue)
        self.session, self.queue, self.image = session, queue, image
        self.said, self.errors = [], []
        self.done = []
        self.slow.noted.connect(self.said.append)
        self.slow.failed.connect(self.errors.append)

    def start(self) -> None:
        self.slow.start(
            self.image,
            "Delete",
            lambda labels, table, _: delete_cells(labels, table, [3]),
            self.finish,
        )

    def finish(self, edit) -> None:
        self.done.append(edit)
        self.session.edit(self.image, edit)

    def wait(self, qtbot) -> list[int]:
        """Return the cells that are there when the job has ended."""
        qtbot.waitUntil(lambda: not self.queue.jobs)
        return np.unique(self.image.masks.array).tolist()


@pytest.fixture
def slow(session, queue, image):
    return Slow(session, queue, image)


def test_it_is_one_step_when_it_is_done(slow, session, qtbot):
    steps = len(session.undo_stack)
    slow.start()
    assert slow.wait(qtbot) == [0, 7]
    assert len(session.undo_stack) == steps + 1
    assert not slow.said


def test_an_edit_meanwhile_counts_and_the_slow_one_does_not(
    slow, session, image, qtbot
):
    slow.start()
    labels = image.masks
    session.edit(image, delete_cells(labels.array, labels.pixels.cell_table(), [7]))
    assert slow.wait(qtbot) == [0, 3]
    assert "a.tif were changed meanwhile" in slow.said[0]


def test_other_masks_of_the_image_are_left_alone(slow, session, image, qtbot):
    nuclei = image.masks.array.copy()
    slow.start()
    session.replace_masks(
        image,
        LabelSet(name="nuclei", pixels=LabelImage(nuclei), origin="", cells=2),
        "Run",
    )
    assert slow.wait(qtbot) == [0, 3, 7]
    assert len(slow.said) == 1


def test_an_image_that_was_closed_gets_nothing(slow, session, image, qtbot):
    slow.start()
    session.close(image.source.key)
    assert slow.wait(qtbot) == [0, 3, 7]
    [said] = slow.said
    gone = f"{image.source.name} was removed from the project meanwhile"
    assert said.endswith(f": {gone}, so nothing was done.")
    assert not slow.done


def test_a_project_that_was_left_gets_nothing(slow, session, qtbot, tmp_path):
    slow.start()
    other = Project.create(tmp_path / "other.cpstudio")
    session.use(other)
    assert slow.wait(qtbot) == [0, 3, 7]
    [said] = slow.said
    assert said.endswith("another project was opened meanwhile, so nothing was done.")
    assert not slow.done
    assert len(session.undo_stack) == 0
    other.close()


def test_a_job_that_was_cancelled_late_does_nothing(slow, queue, qtbot):
    begun, go_on = Event(), Event()

    def work(*_):
        begun.set()
        go_on.wait(60)

    slow.slow.start(slow.image, "Split", work, slow.done.append)
    assert begun.wait(60)
    queue.cancel_all()
    go_on.set()
    assert slow.wait(qtbot) == [0, 3, 7]
    assert not slow.done
    assert not slow.errors


def test_a_job_that_was_cancelled_too_late_for_its_work_does_nothing(
    slow, queue, qtbot
):
    slow.slow.start(slow.image, "Split", lambda *_: None, slow.done.append)
    # It is done, and nobody has heard of it yet.
    assert queue._pool.waitForDone(60_000)
    queue.cancel_all()
    assert slow.wait(qtbot) == [0, 3, 7]
    assert not slow.done


def test_a_job_without_anybody_to_tell_ends_quietly(qapp):
    job = Job("Split", lambda _: None)
    job.deleteLater()
    QCoreApplication.sendPostedEvents(job, QEvent.Type.DeferredDelete)
    with pytest.raises(RuntimeError):
        job.cancelled.emit()
    job.run()


def test_what_fails_is_told(slow, image, qtbot):
    def work(*_):
        raise ValueError("no")

    slow.slow.start(image, "Fail", work, lambda _: None)
    assert slow.wait(qtbot) == [0, 3, 7]
    assert str(slow.errors[0]) == "no"

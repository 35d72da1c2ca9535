"""Edits that take long to make, off the GUI thread; each is one step in the end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from psygnal import Signal

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.operations import Changed, Operations, put_in_place
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.io.masks.mapped import empty_labels

T = TypeVar("T")
MasksOperation = Callable[[Operations, Checkpoint], Changed | None]


class BackgroundEdits:
    """Looks at the active masks of an image in a job, while the user goes on.

    What comes of it counts only if the masks are still the same, and the image is still
    in the list.
    """

    noted = Signal(str)
    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue

    def start(
        self,
        image: ProjectImage,
        title: str,
        work: Callable[[Labels, CellTable, Checkpoint], T],
        done: Callable[[T], None],
        name: str | None = None,
    ) -> Job:
        """Start a job on masks that are in memory.

        Parameters
        ----------
        title
            What the user reads while it runs: "Smooth outlines".
        work
            In a thread; it may only read the labels, and has the table for itself.
        done
            Makes a step of what ``work`` returned. It is not called if the job was
            cancelled; nor if the image was taken off the list, the project left or the
            masks changed meanwhile, of which the user is told.
        name
            Of other masks than the active ones.
        """
        name = name or image.active
        pixels = image.label_sets[name].pixels
        active = image.active
        highest, edits = pixels.highest, pixels.edits
        taken = [pixels.snapshot()]

        def look(checkpoint: Checkpoint) -> T:
            # Let go of it, or the step in the end would keep what it changes as well.
            array = taken.pop().array(empty_labels)
            checkpoint.check()
            table = CellTable.of(array, highest)
            checkpoint.check()
            result = work(array, table, checkpoint)
            checkpoint.check()
            if isinstance(result, LabelEdit):
                table.prepare(result)
            return result

        def finish(result: T) -> None:
            # Work that was done just before the user stopped it is not wanted either.
            if job.stopping:
                return
            if self._session.image_of(image.id) is not image:
                tell(f"{image.source.name} was removed from the project")
                return
            now = image.label_sets.get(name)
            same = now is not None and now.pixels is pixels and pixels.edits == edits
            if same and image.active == active:
                done(result)
            else:
                tell(f"the masks of {image.source.name} were changed", " Try again.")

        def tell(what: str, hint: str = "") -> None:
            self.noted.emit(f"{title}: {what} meanwhile, so nothing was done.{hint}")

        late = partial(tell, "another project was opened")
        job = Job(title, look)
        job.finished.connect(while_open(self._session, finish, late))
        job.failed.connect(while_open(self._session, self.failed.emit))
        return self._queue.start(job)

    def change_masks(
        self,
        image: ProjectImage,
        title: str,
        operation: MasksOperation,
        done: Callable[[Changed | None], None] | None = None,
        name: str | None = None,
    ) -> None:
        """Do an operation on the masks of an image in a job, as one undo step.

        Parameters
        ----------
        operation
            In a thread; returns None if there is nothing to change.
        done
            Called with the result, or None, once the masks are in place.
        name
            Of other masks than the active ones, which stay active.
        """
        session = self._session
        session.end_stroke()
        session.commit_pending(image)
        active, project = image.active, session.project
        masks = image.label_sets.get(name or active)
        if masks is None:
            return
        known = image.cell_knowledge(masks.name)

        def work(
            labels: Labels, table: CellTable, checkpoint: Checkpoint
        ) -> Changed | None:
            operations = Operations(project, masks, labels, table)
            changed = operation(operations, checkpoint)
            return None if changed is None else changed.prepared(known)

        def finish(changed: Changed | None) -> None:
            if changed is not None:
                put_in_place(session, image, changed, masks.name == active)
            if done is not None:
                done(changed)

        self.start(image, title, work, finish, name)

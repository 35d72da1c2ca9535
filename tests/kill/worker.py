"""Works on a project until it is killed, and writes down outside what it did.

    python worker.py PROJECT LOG SEED KIND

Each line of LOG is one JSON object: a hash of all masks after something that is about
to be done, how many changes the project was given before, and how many of them it has
told to be on the disk. KIND is "edit", "save" (saves the
project under other names all the while) or "run" (real runs of the shipped model).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import tifffile
from qtpy.QtCore import QCoreApplication

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.revision_writer import RevisionWriter
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images

SIDE = 700


Masks = dict[tuple[str, str], np.ndarray]


def masks_of(session: Session) -> Masks:
    """Return all masks of a session by image and label set; previews left out."""
    return {
        (image.source.path.name, name): (
            image.preview_of
            if image.preview_of is not None and image.preview_of.name == name
            else labels
        ).array
        for image in session.images
        for name, labels in image.label_sets.items()
    }


def state_of(masks: Masks) -> str:
    """Return a hash of masks."""
    digest = hashlib.sha256()
    for (image, name), labels in sorted(masks.items(), key=lambda item: item[0]):
        digest.update(f"{image}/{name}".encode())
        digest.update(labels.tobytes())
    return digest.hexdigest()


def told(real, tell):
    """Return a method that tells what it was given before it does it."""

    def call(writer, *given, **named):
        tell(*given, **named)
        return real(writer, *given, **named)

    return call


class Log:
    """Writes down what the masks are going to be, before the project is told.

    After it would be too late: the kill may come when the project knows already.
    """

    def __init__(self, session: Session, file: Path) -> None:
        self.session = session
        self.file = file.open("a")
        about = {
            "record": self.on_record,
            "switch": self.on_switch,
            "edit": self.on_edit,
        }
        for name, tell in about.items():
            setattr(RevisionWriter, name, told(getattr(RevisionWriter, name), tell))

    def on_record(self, label_set, _image, labels, *_, **__) -> None:
        self.note("record", self.changed(label_set, labels))

    def on_switch(self, label_set, _operation, _before, after, *_, **__) -> None:
        self.note("switch", self.changed(label_set, after))

    def on_edit(self, *_, **__) -> None:
        self.note("edit", masks_of(self.session))

    def changed(self, label_set, labels) -> Masks:
        masks = masks_of(self.session)
        for image in self.session.images:
            for name, number in image.label_set_ids.items():
                if number == label_set:
                    masks.pop((image.source.path.name, name), None)
                    if labels is not None:
                        masks[image.source.path.name, name] = labels.array
        return masks

    def note(self, what: str, masks: Masks) -> None:
        writer = self.session.project.writer
        # In this order: no change is counted as durable that was given after it.
        durable = writer._committed
        line = {"what": what, "durable": durable, "given": writer._submitted}
        self.write(**line, state=state_of(masks))

    def write(self, **line: object) -> None:
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())


class Work:
    """A session, and a random user of it."""

    def __init__(self, path: Path, log: Path, seed: int, kind: str) -> None:
        self.random = np.random.default_rng(seed)
        self.app = QCoreApplication([])
        self.project = Project.create(path)
        self.session = Session(self.project)
        self.folder = path.parent
        self.kind = kind
        self.copies = 0
        for name in ("a", "b"):
            pixels = self.random.poisson(100, (SIDE, SIDE)).astype(np.uint16)
            tifffile.imwrite(self.folder / f"{name}.tif", pixels)
            self.session.add(open_images(self.folder / f"{name}.tif"))
        self.log = Log(self.session, log)
        self.log.note("start", masks_of(self.session))

    def forever(self) -> None:
        """Do one thing after another."""
        if self.kind == "run":
            self.run_network()
        actions = [
            self.new_masks,
            self.edit,
            self.edit,
            self.edit,
            self.undo,
            self.redo,
        ]
        if self.kind == "save":
            threading.Thread(target=self.save_copies, daemon=True).start()
        while True:
            action = actions[self.random.integers(len(actions))]
            action()
            self.app.processEvents()
            time.sleep(float(self.random.uniform(0, 0.02)))

    def image(self):
        return self.session.images[self.random.integers(2)]

    def new_masks(self) -> None:
        small = self.random.integers(0, 50, (SIDE // 20, SIDE // 20), np.uint32)
        labels = small.repeat(20, 0).repeat(20, 1)
        name = ("cells", "nuclei")[self.random.integers(2)]
        cells = len(np.unique(labels[labels > 0]))
        label_set = LabelSet(
            name=name, pixels=LabelImage(labels), origin="random", cells=cells
        )
        self.session.replace_masks(self.image(), label_set, "Run")

    def edit(self) -> None:
        image = self.image()
        if image.masks is None:
            return
        low = self.random.integers(0, SIDE - 60, 2)
        region = tuple(slice(int(n), int(n) + 60) for n in low)
        after = np.full((60, 60), self.random.integers(0, 60), np.uint32)
        labels = image.masks.array
        self.session.edit(image, edit_between("Draw", [1], labels, region, after))
        if self.random.random() < 0.1:
            self.session.seal(image)

    def undo(self) -> None:
        self.session.undo()

    def redo(self) -> None:
        self.session.redo()

    def save_copies(self) -> None:
        while True:
            self.copies += 1
            path = self.folder / f"copy{self.copies}.cpstudio"
            self.log.write(to=path.name)
            self.project.save_as(path)
            time.sleep(0.1)

    def run_network(self) -> None:
        """Start runs on both images, again and again, while the user edits."""
        from cellpose_studio.app.jobs import JobQueue
        from cellpose_studio.app.runs.runner import Runs
        from cellpose_studio.core.runs.parameters import SegmentationParameters
        from cellpose_studio.engine.networks.catalogue import shipped

        self.queue = JobQueue()
        runs = Runs(self.session, self.queue)

        def start(image) -> None:
            job = runs.start(image, shipped()[0], SegmentationParameters(diameter=60.0))
            job.finished.connect(lambda _: self.log.write(what="run"))
            job.ended.connect(lambda: start(image))

        for image in self.session.images:
            start(image)


if __name__ == "__main__":
    project, log, seed, kind = sys.argv[1:]
    Work(Path(project), Path(log), int(seed), kind).forever()

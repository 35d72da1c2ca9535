"""Works on a project until it is killed, and writes down outside what it did.

    python worker.py PROJECT LOG SEED KIND

Each line of LOG is one JSON object: when something was done, by the clock that all
processes share, and a hash of all masks then. KIND is "edit", "save" (saves the
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

from cellpose_studio.app.label_set import LabelImage, LabelSet
from cellpose_studio.app.project import Project
from cellpose_studio.app.session import Session
from cellpose_studio.core.edit import edit_between
from cellpose_studio.io.images import open_images

SIDE = 700


def state_of(session: Session) -> str:
    """Return a hash of all masks of a session."""
    digest = hashlib.sha256()
    for entry in sorted(session.entries, key=lambda e: e.image.path.name):
        for name, labels in sorted(entry.label_sets.items()):
            digest.update(f"{entry.image.path.name}/{name}".encode())
            digest.update(labels.labels.tobytes())
    return digest.hexdigest()


class Work:
    """A session, and a random user of it."""

    def __init__(self, path: Path, log: Path, seed: int, kind: str) -> None:
        self.random = np.random.default_rng(seed)
        self.log = log.open("a")
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
        self.note("start")

    def note(self, what: str, **more: object) -> None:
        line = {"at": time.monotonic(), "what": what, "state": state_of(self.session)}
        self.log.write(json.dumps({**line, **more}) + "\n")
        self.log.flush()
        os.fsync(self.log.fileno())

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
            self.note(action.__name__)
            time.sleep(float(self.random.uniform(0, 0.02)))

    def entry(self):
        return self.session.entries[self.random.integers(2)]

    def new_masks(self) -> None:
        small = self.random.integers(0, 50, (SIDE // 20, SIDE // 20), np.uint32)
        labels = small.repeat(20, 0).repeat(20, 1)
        name = ("cells", "nuclei")[self.random.integers(2)]
        cells = len(np.unique(labels[labels > 0]))
        label_set = LabelSet(name, LabelImage(labels), "random", cells)
        self.session.replace_labels(self.entry(), label_set, "Run")

    def edit(self) -> None:
        entry = self.entry()
        if entry.labels is None:
            return
        low = self.random.integers(0, SIDE - 60, 2)
        region = tuple(slice(int(n), int(n) + 60) for n in low)
        after = np.full((60, 60), self.random.integers(0, 60), np.uint32)
        labels = entry.labels.labels
        self.session.edit(entry, edit_between("Draw", [1], labels, region, after))
        if self.random.random() < 0.1:
            self.session.seal(entry)

    def undo(self) -> None:
        self.session.undo_stack.undo()

    def redo(self) -> None:
        self.session.undo_stack.redo()

    def save_copies(self) -> None:
        while True:
            self.copies += 1
            path = self.folder / f"copy{self.copies}.cpstudio"
            self.log.write(json.dumps({"at": time.monotonic(), "to": path.name}) + "\n")
            self.project.save_as(path)
            time.sleep(0.1)

    def run_network(self) -> None:
        """Start runs on both images, again and again, while the user edits."""
        from cellpose_studio.app.jobs import JobQueue
        from cellpose_studio.app.runs import Runs
        from cellpose_studio.core.parameters import SegmentationParameters
        from cellpose_studio.engine.catalogue import shipped

        self.queue = JobQueue()
        runs = Runs(self.session, self.queue)

        def start(entry) -> None:
            job = runs.start(entry, shipped()[0], SegmentationParameters(diameter=60.0))
            job.ended.connect(lambda: self.note("run"))
            job.ended.connect(lambda: start(entry))

        for entry in self.session.entries:
            start(entry)


if __name__ == "__main__":
    project, log, seed, kind = sys.argv[1:]
    Work(Path(project), Path(log), int(seed), kind).forever()

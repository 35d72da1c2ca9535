"""Random work on a project, against a model in memory; closed and opened again."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images

SHAPE = (3, 600, 40)  # planes of two chunks each
IMAGES = ("a", "b")

Step = tuple[tuple[str, str], "np.ndarray | None", np.ndarray]

seeds = st.integers(0, 2**32 - 1)
names = st.sampled_from(IMAGES)
sets = st.sampled_from(("cells", "nuclei"))


class Work(RuleBasedStateMachine):
    """A session, and what its masks have to be: a dictionary and a list of states."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        for name in IMAGES:
            pixels = np.zeros(SHAPE, np.uint8)
            pixels[0, 0, 0] = ord(name)
            tifffile.imwrite(self.folder / f"{name}.tif", pixels, metadata=None)
        self.project = Project.create(self.folder / "work.cpstudio")
        self.session = Session(self.project)
        self.masks: dict[tuple[str, str], np.ndarray] = {}
        # Steps that can be undone and redone on each image: key, masks before (or
        # None), and after.
        self.past: dict[str, list[Step]] = {name: [] for name in IMAGES}
        self.future: dict[str, list[Step]] = {name: [] for name in IMAGES}

    def teardown(self) -> None:
        self.project.close()
        shutil.rmtree(self.folder)

    @initialize()
    def add_images(self) -> None:
        for name in IMAGES:
            self.session.add(open_images(self.folder / f"{name}.tif", "ZYX"), "ZYX")

    @rule(name=names, label_set=sets, seed=seeds)
    def run(self, name, label_set, seed):
        labels = random_labels(seed)
        self._step((name, label_set), labels)
        self.session.replace_masks(
            self._entry(name), self._label_set(label_set, labels), "Run"
        )

    @rule(name=names, seed=seeds)
    def slide(self, name, seed):
        image = self._entry(name)
        if image.masks is None:
            return
        self.session.preview(image, self._label_set(image.active, random_labels(1)))
        labels = random_labels(seed)
        self.session.preview(image, self._label_set(image.active, labels))
        self._step((name, image.active), labels)
        self.session.commit_pending(image)

    @rule(name=names, seed=seeds)
    def edit(self, name, seed):
        image = self._entry(name)
        if image.masks is None:
            return
        region, after = random_patch(seed)
        edit = edit_between("Draw", [1], image.masks.array, region, after)
        if not edit.parts:
            return
        drawn = self.masks[name, image.active].copy()
        drawn[region] = after
        self._step((name, image.active), drawn)
        self.session.edit(image, edit)

    @rule(name=names)
    def seal(self, name):
        self.session.seal(self._entry(name))

    @rule(name=names)
    def take_off_and_add(self, name):
        image = self._entry(name)
        self.session.close(image.source.key)
        self.session.add(open_images(self.folder / f"{name}.tif", "ZYX"), "ZYX")
        assert self._entry(name) is image

    @rule(name=names)
    def undo(self, name):
        self._show(name)
        self.session.undo()
        if not self.past[name]:
            return
        key, before, after = self.past[name].pop()
        self.future[name].append((key, before, after))
        self.masks.pop(key)
        if before is not None:
            self.masks[key] = before

    @rule(name=names)
    def redo(self, name):
        self._show(name)
        self.session.redo()
        if not self.future[name]:
            return
        self.past[name].append(self.future[name].pop())
        key, _, after = self.past[name][-1]
        self.masks[key] = after

    @rule(crash=st.booleans())
    def close_and_open(self, crash):
        if crash:
            assert self.project.writer.flush(60)
            copy = self.folder / "crashed.cpstudio"
            for end in ("", "-wal"):
                source = Path(f"{self.project.path}{end}")
                if source.exists():
                    shutil.copy(source, f"{copy}{end}")
            self.project.close()
            for end in ("", "-wal"):
                Path(f"{self.project.path}{end}").unlink(missing_ok=True)
                source = Path(f"{copy}{end}")
                if source.exists():
                    source.rename(f"{self.project.path}{end}")
        else:
            self.session.seal_all()
            self.project.close()
        self.project = Project.open(self.folder / "work.cpstudio")
        assert self.project.crashed == crash
        self.session = Session(self.project)
        # What was done and undone is known again.
        stack = self.session.undo_stack
        done = {name: stack.done(self._entry(name)) for name in IMAGES}
        assert done == {name: len(steps) for name, steps in self.past.items()}
        steps = [*self.past.values(), *self.future.values()]
        assert len(stack) == sum(map(len, steps))

    @invariant()
    def masks_are_those_of_the_model(self):
        found = {
            (image.source.path.stem, name): labels
            for image in self.session.images
            for name, labels in image.label_sets.items()
        }
        assert found.keys() == self.masks.keys()
        for key, labels in found.items():
            np.testing.assert_array_equal(labels.array, self.masks[key])
            assert labels.cells == len(np.unique(self.masks[key][self.masks[key] > 0]))

    def _entry(self, name):
        return next(e for e in self.session.images if e.source.path.stem == name)

    def _show(self, name):
        self.session.show(self._entry(name).source.key)

    def _label_set(self, name, labels):
        cells = len(np.unique(labels[labels > 0]))
        return LabelSet(
            name=name, pixels=LabelImage(labels), origin="test", cells=cells
        )

    def _step(self, key, labels):
        name = key[0]
        self.past[name].append((key, self.masks.get(key), labels.copy()))
        self.future[name] = []
        self.masks[key] = labels.copy()


def random_labels(seed):
    random = np.random.default_rng(seed)
    small = random.integers(0, 6, (3, 20, 4), np.uint32)
    return small.repeat(30, axis=1).repeat(10, axis=2)


def random_patch(seed):
    random = np.random.default_rng(seed)
    low = random.integers(0, np.array(SHAPE))
    high = [int(random.integers(a + 1, n + 1)) for a, n in zip(low, SHAPE, strict=True)]
    region = tuple(slice(int(a), b) for a, b in zip(low, high, strict=True))
    shape = [s.stop - s.start for s in region]
    return region, random.integers(0, 9, shape, np.uint32)


def test_any_order_of_work_survives(qapp):
    run_state_machine_as_test(
        Work,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

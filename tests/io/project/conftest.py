"""A project as users have them, and everything that can be read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.chunks import Labels, chunk
from cellpose_studio.core.masks.edit import LabelEdit, edit_between
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.core.provenance.classes.classifier_record import (
    ClassExamples,
    ClassifierRecord,
)
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision
from cellpose_studio.core.review.training_marks import (
    TrainingCrop,
    TrainingMarks,
    pack_mask,
)
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.region import Region
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import ProjectFile, create_project
from cellpose_studio.io.project.tables import (
    journal,
    label_chunks,
    revisions,
    run_queue,
    runs,
)
from cellpose_studio.io.project.tables.cells.cell_classes import (
    read_classes,
    write_assigned,
    write_class,
    write_classifier,
)
from cellpose_studio.io.project.tables.cells.cell_status import (
    read_all_statuses,
    write_statuses,
)
from cellpose_studio.io.project.tables.cells.divisions import (
    read_all_mothers,
    write_mothers,
)
from cellpose_studio.io.project.tables.images import (
    StoredImage,
    read_image_table,
    write_image,
)
from cellpose_studio.io.project.tables.presets import Preset, read_presets, write_preset
from cellpose_studio.io.project.tables.training.marks import (
    read_marks,
    write_marks,
)
from cellpose_studio.io.project.tables.training.members import (
    TrainingMember,
    read_members,
    write_member,
)
from cellpose_studio.io.project.tables.training.rounds import read_rounds, write_round
from cellpose_studio.io.project.tables.window_state import read_state, write_state
from tests.records import run_record

ROUND = TrainingRound(
    name="better", path="better", sha256="3f", card=ModelCard(parent="nuclei-small")
)
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SHAPES = [(700, 600), (520, 530), (3, 90, 100), (64, 48), (600, 513)]


CLASSES = (
    CellClass(id=1, name="round", colour="#e69f00", key=1),
    CellClass(id=2, name="long, “thin”", colour="#56b4e9", removed=True),
)
CLASSIFIER = ClassifierRecord(
    created=NOW,
    method="Random forest",
    seed=0,
    features=("area_px",),
    importances=(1.0,),
    classes=(
        ClassExamples(id=1, name="round", found_as=(3, 0)),
        ClassExamples(id=2, name="long, “thin”", found_as=(1, 4)),
    ),
    images=("a.tif",),
    folds=3,
    by_image=False,
)
ASSIGNED = {
    3: Assigned(number=1),
    5: Assigned(number=2, probability=1.0, classifier=1),
    7: Assigned(number=1, probability=0.6667, classifier=1),
}


MARKS = TrainingMarks(
    partly=True,
    crops=(
        TrainingCrop(name="crop 1", region=Region(points=((0, 0), (20, 30)))),
        TrainingCrop(
            name="the “dense” part",
            region=Region(points=((10, 10), (40, 40)), plane=1),
            role="validation",
        ),
    ),
    unannotated=(Region(points=((1, 1), (9, 2), (5, 8))),),
    unlabelled=pack_mask(np.eye(8, dtype=bool)),
)


@dataclass
class Filled:
    """What is in the project of the fixture `filled`."""

    path: Path
    masks: dict[int, Labels] = field(default_factory=dict)
    """By revision."""
    present: dict[int, Labels] = field(default_factory=dict)
    """By label set, with the edits after the head."""
    states: dict[int, list[bytes]] = field(default_factory=dict)
    """By label set: the bytes at each time."""


def _in_one_transaction(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(maker: Maker, *arguments: Any, **options: Any) -> Any:
        if maker.db.in_transaction:
            return method(maker, *arguments, **options)
        maker.db.execute("BEGIN IMMEDIATE")
        found = method(maker, *arguments, **options)
        maker.db.execute("COMMIT")
        return found

    return wrapped


class Maker:
    """Fills a project the way the application does."""

    def __init__(self, file: ProjectFile, seed: int = 0) -> None:
        self.file = file
        self.db = file.db
        self.random = np.random.default_rng(seed)
        self.filled = Filled(file.path)
        self._last: dict[str, int] = {}

    def next_id(self, table: str) -> int:
        self._last[table] = self._last.get(table, 0) + 1
        return self._last[table]

    def image(self, name: str, shape: tuple[int, ...]) -> int:
        """Write a picture beside the project, and add it."""
        path = self.file.path.parent / name
        pixels = self.random.integers(0, 200, shape, np.uint8)
        axes = {2: "YX", 3: "ZYX"}[len(shape)]
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes})
        number = self.next_id("image")
        stored = StoredImage(id=number, image=open_images(path)[0])
        write_image(self.db, stored, self.file.path.parent)
        return number

    def run(self, image: int, outcome: Any = "finished") -> int:
        number = self.next_id("run")
        runs.write_run(self.db, number, image, record_of(image, number, outcome))
        return number

    def label_set(self, image: int, name: str = "cells") -> int:
        number = self.next_id("label_set")
        revisions.write_label_set(self.db, number, image, name)
        return number

    @_in_one_transaction
    def result(
        self, label_set: int, pixels: Labels, run: int | None = None
    ) -> LabelRevision:
        """Make the masks of a run the head."""
        head = self._head(label_set)
        revision = LabelRevision(
            id=self.next_id("revision"),
            label_set=label_set,
            parent=head,
            kind="run" if run else "import",
            created=NOW + timedelta(seconds=len(self.filled.masks)),
            origin="nuclei-small",
            shape=pixels.shape,
            cells=len(np.unique(pixels)) - 1,
            run=run,
            parameters=SegmentationParameters(diameter=17.5),
            details={"file": "a_seg.npy"},
            author="ana",
            note="a note",
        )
        revisions.write_revision(self.db, revision, b"\x89PNG" + bytes(3000))
        label_chunks.write_labels(self.db, revision.id, Snapshot(pixels))
        entry = JournalEntry(
            id=self.next_id("journal"),
            label_set=label_set,
            base=head,
            operation="Run",
            cells=(),
            time=NOW,
            head=revision.id,
        )
        journal.write_entry(self.db, entry)
        revisions.set_head(self.db, label_set, revision.id, revision.cells)
        self._is(label_set, revision.id, pixels)
        return revision

    def edit(self, label_set: int, size: int = 20, undoes: int | None = None) -> int:
        """Draw a cell somewhere, as one entry of the journal."""
        pixels = self.filled.present[label_set]
        corner = [int(self.random.integers(0, n - 1)) for n in pixels.shape]
        region = tuple(
            slice(at, min(at + size, n))
            for at, n in zip(corner, pixels.shape, strict=True)
        )
        after = np.full_like(pixels[region], int(self.random.integers(1, 2**32 - 1)))
        return self.commit(
            label_set, edit_between("Draw cell", [7], pixels, region, after), undoes
        )

    @_in_one_transaction
    def commit(self, label_set: int, edit: LabelEdit, undoes: int | None = None) -> int:
        pixels = self.filled.present[label_set]
        entry = JournalEntry(
            id=self.next_id("journal"),
            label_set=label_set,
            base=self._head(label_set),
            operation=edit.operation,
            cells=edit.cells,
            time=NOW,
            undoes=undoes,
        )
        journal.write_entry(self.db, entry, edit.parts)
        revisions.set_cells(self.db, label_set, 9)
        edit.apply(pixels)
        self.filled.states[label_set].append(pixels.tobytes())
        return entry.id

    @_in_one_transaction
    def seal(self, label_set: int, base: LabelRevision) -> LabelRevision:
        """Make a revision of the edits."""
        pixels = self.filled.present[label_set]
        edits = journal.read_open_edits(self.db, label_set, base.id)
        places = sorted(set().union(*(edit.chunk_indices for edit in edits)))
        revision = replace(
            base, id=self.next_id("revision"), parent=base.id, kind="edit", details={}
        )
        revisions.write_revision(self.db, revision)
        label_chunks.copy_chunks(self.db, revision.id, base.id, places)
        changed = (
            label_chunks.pack_chunk(place, chunk(pixels, place)) for place in places
        )
        label_chunks.write_chunks(self.db, revision.id, changed)
        journal.seal(self.db, label_set, base.id, revision.id)
        revisions.set_head(self.db, label_set, revision.id, revision.cells)
        self._is(label_set, revision.id, pixels)
        return revision

    def _is(self, label_set: int, revision: int, pixels: Labels) -> None:
        self.filled.masks[revision] = pixels.copy()
        self.filled.present[label_set] = pixels.copy()
        self.filled.states.setdefault(label_set, []).append(pixels.tobytes())

    def _head(self, label_set: int) -> int | None:
        row = self.db.execute("SELECT head FROM label_set WHERE id = ?", (label_set,))
        return row.fetchone()[0]


def record_of(image: int, number: int, outcome: Any = "finished") -> RunRecord:
    return run_record(
        image={
            "name": f"{image}.tif",
            "path": f"/data/{image}.tif",
            "shape": (1, 1, 1, 70, 60),
            "dtype": "|u1",
        },
        parameters=SegmentationParameters(diameter=10.0 + number),
        outcome=outcome,
        cells=number,
    )


def blobs(shape: tuple[int, ...], seed: int) -> Labels:
    """Return square cells on a grid, some of them missing."""
    random = np.random.default_rng(seed)
    step = 24
    grid = [-(-n // step) for n in shape[-2:]]
    ids = np.arange(1, 1 + int(np.prod(grid)), dtype=np.uint32).reshape(grid)
    ids[random.random(ids.shape) < 0.2] = 0
    plane = np.kron(ids, np.pad(np.ones((step - 4, step - 4), np.uint32), 2))
    return np.ascontiguousarray(
        np.broadcast_to(plane[: shape[-2], : shape[-1]], shape)
    ).astype(np.uint32)


def fill(path: Path) -> Maker:
    """Make a project with all that a project can have; it is still open."""
    maker = Maker(create_project(path))
    for n, shape in enumerate(SHAPES):
        image = maker.image(f"{n}.tif", shape)
        maker.run(image, "failed")
        for name in ("cells", "nuclei")[: 1 + n % 2]:
            _label_set(maker, image, name, shape, n)
    db = maker.db
    parameters = SegmentationParameters(diameter=33.0)
    write_preset(db, Preset("mine", "nuclei-small", parameters))
    write_member(db, TrainingMember("set", 1, None, "train"))
    write_member(db, TrainingMember("set", 2, 4, "validation"))
    write_marks(db, 1, MARKS)
    write_round(db, 1, ROUND)
    write_statuses(db, 1, {3: "accepted", 5: "later"})
    write_mothers(db, 1, {5: 3, 6: 3})
    for one in CLASSES:
        write_class(db, one)
    write_classifier(db, 1, CLASSIFIER)
    write_assigned(db, 1, ASSIGNED)
    write_state(db, "window", {"image": 2})
    run_queue.write_item(
        db,
        run_queue.BatchItem(
            id=1, image=1, state="waiting", model="nuclei-small", parameters=parameters
        ),
    )
    return maker


def _label_set(
    maker: Maker, image: int, name: str, shape: tuple[int, ...], seed: int
) -> None:
    label_set = maker.label_set(image, name)
    first = maker.result(label_set, blobs(shape, seed), maker.run(image))
    for _ in range(3):
        maker.edit(label_set)
    maker.seal(label_set, first)
    second = maker.result(label_set, blobs(shape, seed + 100), maker.run(image))
    for _ in range(4):
        maker.edit(label_set)
    maker.seal(label_set, second)
    for _ in range(5):
        maker.edit(label_set)


def all_of(file: ProjectFile) -> SimpleNamespace:
    """Read everything; raise whatever reading raises."""
    return _read(file, lambda read, *arguments: read(*arguments))


def what_can_be_read(file: ProjectFile) -> SimpleNamespace:
    """Read everything; what is damaged is None, and its sentence is in ``said``."""
    said: list[StudioError] = []

    def attempt(read: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except StudioError as error:
            said.append(error)
            return None

    found = _read(file, attempt)
    found.said = said
    return found


def _read(file: ProjectFile, attempt: Callable[..., Any]) -> SimpleNamespace:
    db = file.db
    found = SimpleNamespace(masks={}, present={}, revisions={}, journal={}, runs={})
    found.images = attempt(read_image_table, db, file.path.parent) or []
    found.label_sets = attempt(revisions.read_label_sets, db) or []
    for image in found.images:
        found.runs[image.id] = attempt(runs.read_runs, db, image.id)
    for stored in found.label_sets:
        history = attempt(revisions.read_revisions, db, stored.id) or []
        found.revisions[stored.id] = history
        found.journal[stored.id] = attempt(journal.read_journal, db, stored.id)
        for revision in history:
            found.masks[revision.id] = attempt(
                label_chunks.read_labels, db, revision.id, revision.shape
            )
        if stored.head is not None:
            found.present[stored.id] = attempt(_present, db, stored)
    attempt(revisions.read_thumbnails, db, [1, 2, 3])
    found.presets = attempt(read_presets, db)
    found.members = attempt(read_members, db)
    found.marks = attempt(read_marks, db)
    found.rounds = attempt(read_rounds, db)
    found.statuses = attempt(read_all_statuses, db)
    found.mothers = attempt(read_all_mothers, db)
    found.classes = attempt(read_classes, db)
    found.state = attempt(read_state, db, "window")
    found.batch = attempt(run_queue.read_batch, db)
    return found


def _present(db: Any, stored: revisions.StoredLabelSet) -> Labels:
    assert stored.head is not None
    pixels = label_chunks.read_labels(db, stored.head.id, stored.head.shape)
    for edit in journal.read_open_edits(db, stored.id, stored.head.id):
        edit.apply(pixels)
    return pixels


@pytest.fixture(scope="session")
def reader() -> SimpleNamespace:
    """Return the functions that read and make projects."""
    return SimpleNamespace(
        all_of=all_of,
        what_can_be_read=what_can_be_read,
        fill=fill,
        maker=lambda path: Maker(create_project(path)),
        blobs=blobs,
        run_record=run_record,
    )


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    maker = fill(tmp_path_factory.mktemp("filled") / "original.cpstudio")
    maker.file.close()
    return maker.filled


@pytest.fixture
def filled(_filled: Filled) -> Filled:
    """Return a closed project, not to be changed."""
    return _filled


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[Maker]:
    """Return what fills a project of the file a.cpstudio."""
    made = Maker(create_project(tmp_path / "a.cpstudio"))
    yield made
    made.file.close()

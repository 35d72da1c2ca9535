"""Whatever is done to masks, all that belongs to a cell stays with it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.history.restore import read_masks, renaming_to
from cellpose_studio.app.masks.hand_edits import hand_edits
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.merging.merge import MasksState, merge_into
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.classes import put_into_class
from cellpose_studio.app.session.operations import Operations, put_in_place
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.whole import delete_cells, merge_cells
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.matching.divisions import (
    DivisionRefused,
    divide,
    merged,
    spans_of,
    without_divisions,
)
from cellpose_studio.core.matching.renaming import RenamingAhead
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.core.provenance.revision import CellChanges
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.io.images.reader import open_images

SLOTS, SHAPE = 3, (2, 12, 30)
"""Each time point has places for cells of 8 x 8 px, of two halves each."""

Half = tuple[int, int, int]
"""Time point, place, and half of the place."""


def region(half: Half) -> tuple[slice, ...]:
    t, place, side = half
    left = 10 * place + 4 * side
    return slice(t, t + 1), slice(2, 10), slice(left, left + 4)


def pixel(half: Half) -> tuple[int, ...]:
    return tuple(part.start for part in region(half))


def place(t: int, number: int) -> tuple[Half, Half]:
    return (t, number, 0), (t, number, 1)


def found() -> LabelSet:
    """Return what each run finds: a cell in each place, with an error of its own."""
    labels = np.zeros(SHAPE, np.uint32)
    for n, (t, number) in enumerate(np.ndindex(2, SLOTS), start=1):
        for half in place(t, number):
            labels[region(half)] = 10 * n
    ids = np.unique(labels)[1:]
    confidence = Confidence(
        ids=ids,
        pixels=np.full(len(ids), 64),
        flow_errors=ids / 100,
        probabilities=ids / 100,
        candidates=len(ids),
        misfits=0,
    )
    pixels = LabelImage(labels)
    return LabelSet(
        name="cells",
        pixels=pixels,
        origin="run",
        cells=len(ids),
        confidence=confidence,
    )


@dataclass(eq=False)
class Cell:
    """A cell as it should be: ``errors`` is empty once its shape was changed."""

    errors: list[float]
    status: str | None = None
    said: int | None = None
    by_hand: bool = False
    linked: bool = False
    mother: Cell | None = None


@dataclass
class Model:
    """What should be where, whatever the ids are."""

    cells: dict[Half, Cell] = field(default_factory=dict)

    @classmethod
    def of_run(cls) -> Model:
        model = cls()
        for n, (t, number) in enumerate(np.ndindex(2, SLOTS), start=1):
            cell = Cell([n / 10])
            model.cells.update(dict.fromkeys(place(t, number), cell))
        return model

    def forget_the_deleted(self) -> None:
        """Divisions of cells that are gone do not outlive other ids."""
        there = list(self.cells.values())
        for cell in there:
            if cell.mother is not None and cell.mother not in there:
                cell.mother = None

    def halves(self, cell: Cell) -> list[Half]:
        return [half for half, one in self.cells.items() if one is cell]


class World:
    """A session, and the model of what it should be."""

    def __init__(self, path, image_path, flows) -> None:
        self.session = Session(Project.create(path))
        [self.image] = self.session.add(open_images(image_path))
        self.session.show(self.image.source.key)
        self.selection = Selection(self.session)
        self.flows = FlowStore(flows)
        self.session.replace_masks(self.image, found(), "Run")
        for number in (1, 2):
            one = CellClass(id=number, name=f"Class {number}", colour="#e69f00")
            self.session.masks.classes.put(one)
        self.run = self.image.masks.revision
        self.states = [Model.of_run()]
        self.at = 0

    @property
    def model(self) -> Model:
        return self.states[self.at]

    @property
    def mothers(self) -> dict[int, int]:
        return self.image.mothers.get("cells", {})

    @property
    def labels(self):
        return self.image.masks.array

    @property
    def table(self) -> CellTable:
        return self.image.masks.pixels.cell_table()

    def id_at(self, half: Half) -> int:
        return int(self.labels[pixel(half)])

    def next(self) -> Model:
        """Return the model of a new step."""
        model = copy.deepcopy(self.model)
        self.states[self.at + 1 :] = [model]
        self.at += 1
        return model

    # What can be done; nothing happens where it makes no sense.

    def delete(self, half: Half) -> None:
        if half in self.model.cells:
            ids = [self.id_at(half)]
            model = self.next()
            for one in model.halves(model.cells[half]):
                del model.cells[one]
            self.session.edit(self.image, delete_cells(self.labels, self.table, ids))

    def draw(self, half: Half) -> None:
        if half not in self.model.cells:
            self.next().cells[half] = Cell([], by_hand=True)
            self._paint("Draw cell", half)

    def split(self, half: Half) -> None:
        cell = self.model.cells.get(half)
        if cell is not None and len(self.model.halves(cell)) > 1:
            model = self.next()
            cell = model.cells[half]
            cell.by_hand, cell.errors = True, []
            model.cells[half] = Cell([], by_hand=True)
            self._paint("Split cell", half)

    def merge(self, half: Half, other: Half) -> None:
        cells = self.model.cells
        both = half in cells and other in cells and half[0] == other[0]
        if both and cells[half] is not cells[other]:
            ids = [self.id_at(half), self.id_at(other)]
            model = self.next()
            cell = model.cells[half]
            cell.by_hand, cell.errors = True, []
            gone = model.cells[other]
            parts = [one.mother for one in (cell, gone)]
            parts = [one for one in parts if one not in (None, cell, gone)]
            cell.mother = parts[0] if parts else None
            for one in model.cells.values():
                if one.mother is gone:
                    one.mother = cell
            for one in model.halves(gone):
                model.cells[one] = cell
            edit = merge_cells(self.labels, self.table, ids)
            mothers = merged(self.mothers, ids)
            self.session.edit(self.image, edit, CellChanges(mothers=mothers))

    def divide(self, half: Half, other: Half) -> None:
        cells = self.model.cells
        if half not in cells or other not in cells:
            return
        ids = self.id_at(half), self.id_at(other)
        mother, daughter = cells[half], cells[other]
        begins = min(t for t, *_ in self.model.halves(daughter))
        ends = max(t for t, *_ in self.model.halves(mother))
        known = daughter.mother if daughter.mother in cells.values() else None
        allowed = ends < begins and (known is None or known is mother)
        try:
            changes = divide(self.mothers, spans_of(self.table), ids[0], [ids[1]])
        except DivisionRefused:
            assert not allowed
            return
        assert allowed
        if changes:
            model = self.next()
            model.cells[other].mother = model.cells[half]
            self._change(changes, "Divide")

    def cut(self, half: Half) -> None:
        if half in self.model.cells:
            model = self.next()
            cell = model.cells[half]
            cell.mother = None
            for one in model.cells.values():
                if one.mother is cell:
                    one.mother = None
            changes = without_divisions(self.mothers, [self.id_at(half)])
            self._change(changes, "Cut division")
            if not changes:
                self.states.pop()
                self.at -= 1

    def decide(self, half: Half, status: str) -> None:
        if half in self.model.cells and self.model.cells[half].status != status:
            self.next().cells[half].status = status
            cell = self.id_at(half)
            self.session.set_cell_status(self.image, [cell], status)

    def _change(self, mothers, text: str) -> None:
        self.session.change_cells(self.image, text, CellChanges(mothers=mothers))

    def classify(self, half: Half, number: int) -> None:
        if half in self.model.cells and self.model.cells[half].said != number:
            self.next().cells[half].said = number
            put_into_class(self.session, self.image, [self.id_at(half)], number)

    def relabel(self) -> None:
        changed = self._operations().relabel()
        if changed is not None:
            self.next().forget_the_deleted()
            put_in_place(self.session, self.image, changed)

    def link(self) -> None:
        operations = self._operations()
        changed = operations.link(operations.tracks(0.5, Checkpoint(), self.mothers))
        if changed is None:
            return
        model = self.next()
        model.forget_the_deleted()
        joined: dict[int, list[Half]] = {}
        for half in model.cells:
            cell = int(changed.labels.array[pixel(half)])
            joined.setdefault(cell, []).append(half)
        for new, halves in joined.items():
            olds = {self.id_at(half) for half in halves}
            parts = list({id(c): c for c in map(model.cells.get, halves)}.values())
            if len(olds) > 1:
                known = [error for part in parts for error in part.errors]
                had = {part.status for part in parts}
                by_hand = any(part.by_hand for part in parts)
                cell = Cell([] if by_hand else known)
                cell.status = had.pop() if len(had) == 1 else None
                classes = {part.said for part in parts} - {None}
                cell.said = classes.pop() if len(classes) == 1 else None
                cell.by_hand, cell.linked = by_hand, True
                cell.mother = next((p.mother for p in parts if p.mother), None)
                for one in model.cells.values():
                    if one.mother in parts:
                        one.mother = cell
                model.cells.update(dict.fromkeys(halves, cell))
            elif olds != {new}:
                parts[0].linked = True
        put_in_place(self.session, self.image, changed)

    def restore(self) -> None:
        image, stored = self.image, self.session.masks.stored
        labels = read_masks(
            self.session.project, stored, self.flows, image, "cells", self.run
        )
        present = image.masks.pixels.snapshot()
        known = image.cell_knowledge("cells")
        changes = RenamingAhead(renaming_to(labels, present), known).changes(known)
        before, model = self.model, self.next()
        model.cells = Model.of_run().cells
        for half, cell in model.cells.items():
            had = before.cells.get(half)
            if had is not None and before.halves(had) == model.halves(cell):
                cell.status, cell.said = had.status, had.said
        same = {
            id(before.cells[half]): cell
            for half, cell in model.cells.items()
            if half in before.cells
            and before.halves(before.cells[half]) == model.halves(cell)
        }
        for half, cell in model.cells.items():
            had = before.cells.get(half)
            if had is not None and same.get(id(had)) is cell:
                cell.mother = same.get(id(had.mother))
        self.session.replace_masks(image, labels, "Restore", "restore", changes=changes)

    def undo(self) -> None:
        if self.at:
            self.at -= 1
            self.session.undo()

    def redo(self) -> None:
        if self.at + 1 < len(self.states):
            self.at += 1
            self.session.redo()

    def choose(self, half: Half) -> None:
        self.selection.select(self.id_at(half))

    def check(self) -> None:
        """Compare all that is known of each cell with what it should be."""
        image, model = self.image, self.model
        hand = hand_edits(
            self.session.project, image.masks, self.labels.copy(), self.table
        )
        expected = np.zeros(SHAPE, bool)
        ids = {id(cell): self.id_at(half) for half, cell in model.cells.items()}
        assert len(set(ids.values())) == len(ids) == image.masks.cells
        for half, cell in model.cells.items():
            number = ids[id(cell)]
            assert number
            assert (self.labels[region(half)] == number).all()
            expected[region(half)] = True
            status = image.statuses.get("cells", {}).get(number)
            assert status == cell.status
            mother = self.mothers.get(number)
            assert (mother if mother in ids.values() else None) == ids.get(
                id(cell.mother)
            )
            said = image.classes.get("cells", {}).get(number)
            assert (said.number if said else None) == cell.said
            assert (number in hand.shaped) == cell.by_hand
            assert (number in hand.linked) == (cell.linked and not cell.by_hand)
            confidence = image.masks.confidence.of(number)
            if cell.errors:
                assert confidence.flow_error == pytest.approx(np.mean(cell.errors))
                assert confidence.probability == pytest.approx(np.mean(cell.errors))
        np.testing.assert_array_equal(self.labels > 0, expected)
        made = any(cell.by_hand or cell.linked for cell in model.cells.values())
        emptied = len(model.cells) < 4 * SLOTS
        assert made <= image.edited
        assert emptied <= image.edited
        if not self.at:
            assert not image.edited

    def check_run(self) -> None:
        """Run again: what was made by hand or accepted stays, and so does a gap."""
        before = MasksState.of(self.image, "cells")
        labels, model = self.labels.copy(), self.model
        new = merge_into(self.session.project, before, found(), Checkpoint()).array
        for half, cell in model.cells.items():
            if cell.by_hand or cell.linked or cell.status == "accepted":
                number = self.id_at(half)
                np.testing.assert_array_equal(new == number, labels == number)
        for n in np.ndindex(2, SLOTS, 2):
            if n not in model.cells:
                assert not new[region(n)].any()
            else:
                assert new[region(n)].all()

    def _paint(self, name: str, half: Half) -> None:
        new = self.table.next_id()
        pixels = np.full((1, 8, 4), new, np.uint32)
        edit = edit_between(name, [new], self.labels, region(half), pixels)
        self.session.edit(self.image, edit)

    def _operations(self) -> Operations:
        labels = self.labels.copy()
        table = CellTable.of(labels, self.image.masks.pixels.highest)
        return Operations(self.session.project, self.image.masks, labels, table)


halves = st.tuples(st.integers(0, 1), st.integers(0, SLOTS - 1), st.integers(0, 1))
earlier, later = (
    st.tuples(st.just(t), st.integers(0, SLOTS - 1), st.integers(0, 1)) for t in (0, 1)
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("delete"), halves),
        st.tuples(st.just("draw"), halves),
        st.tuples(st.just("split"), halves),
        st.tuples(st.just("merge"), halves, halves),
        st.tuples(st.just("divide"), earlier, later),
        st.tuples(st.just("cut"), halves),
        st.tuples(st.just("decide"), halves, st.sampled_from(["accepted", "later"])),
        st.tuples(st.just("classify"), halves, st.integers(1, 2)),
        st.tuples(st.sampled_from(["relabel", "link", "restore", "undo", "redo"])),
    ),
    max_size=9,
)


@settings(max_examples=15)
@given(steps)
def test_all_that_belongs_to_a_cell_goes_with_it(qapp, tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("world")
    np.save(folder / "nothing.npy", 0)
    world = World(folder / "a.cpstudio", picture(folder), folder / "flows")
    try:
        for name, *places in steps:
            getattr(world, name)(*places)
            world.check()
        world.check_run()
        session = world.session
        session.seal_all()
        session.project.close()
        world.session = Session(Project.open(session.project.path))
        [world.image] = world.session.images
        world.session.show(world.image.source.key)
        if not world.at:
            assert not world.image.edited
        while world.at:
            world.undo()
        assert not world.image.edited
    finally:
        world.session.project.close()


def picture(folder):
    import tifffile

    path = folder / "a.tif"
    pixels = np.zeros(SHAPE, np.uint8)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
    return path


@pytest.fixture
def world(qapp, tmp_path):
    world = World(tmp_path / "a.cpstudio", picture(tmp_path), tmp_path / "flows")
    yield world
    world.session.project.close()


def test_the_chosen_cell_stays_chosen_when_its_id_changes(world):
    world.delete((0, 0, 0))
    world.choose((0, 2, 0))
    for step in (world.relabel, world.undo, world.redo):
        step()
        assert world.selection.cell == world.id_at((0, 2, 0))


def test_untouched_cells_do_not_count_as_edited_after_relabelling(world):
    world.relabel()
    assert not world.image.edited
    world.delete((0, 0, 0))
    assert world.image.edited
    world.undo()
    assert not world.image.edited


def test_what_a_relabelled_cell_is_known_of_is_there_after_reopening(world):
    world.delete((0, 0, 0))
    world.relabel()
    session = world.session
    session.project.writer.flush()
    labels = read_masks(
        session.project,
        session.masks.stored,
        world.flows,
        world.image,
        "cells",
        world.image.masks.revision,
    )
    assert labels.confidence.ids.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(
        labels.confidence.flow_errors, [0.2, 0.3, 0.4, 0.5, 0.6], rtol=1e-6
    )


def test_cells_that_were_left_out_come_back(world):
    world.delete((0, 0, 0))
    world.delete((1, 2, 0))
    again = merge_into(
        world.session.project,
        MasksState.of(world.image, "cells"),
        found(),
        Checkpoint(),
    )
    world.session.replace_masks(world.image, again, "Run")
    assert len(world.image.masks.left_out.cells) == 2
    # A cell that was drawn there meanwhile keeps its pixels.
    world.states, world.at = [world.model], 0
    world._paint("Draw cell", (1, 2, 1))
    drawn = world.id_at((1, 2, 1))
    put_in_place(
        world.session, world.image, world._operations().bring_back(Checkpoint())
    )
    assert world.image.masks.cells == 7
    assert world.id_at((1, 2, 1)) == drawn
    assert world.id_at((1, 2, 0)) not in (0, drawn)
    assert world.image.masks.left_out is None
    assert not world.image.masks.hand_edits.deleted
    world.session.undo()
    assert world.image.masks.cells == 5
    assert world.image.masks.hand_edits.deleted


def test_corrections_of_a_place_are_forgotten_and_undo_remembers_them(world):
    world.delete((0, 0, 0))
    world.delete((1, 2, 0))
    world.split((0, 1, 1))
    world.decide((1, 0, 0), "accepted")
    kept = frozenset([world.id_at((1, 0, 0))])
    first = (slice(0, 1), slice(None), slice(None))
    changed = world._operations().forget(kept, region=first)
    assert changed.text == "Forget corrections of 2 cells and 1 deleted place"
    put_in_place(world.session, world.image, changed)
    hand = world.image.masks.hand_edits
    assert (hand.cells, hand.places) == (frozenset(), 1)
    assert world.image.statuses["cells"] == {min(kept): "accepted"}
    rest = world._operations().forget(kept)
    assert rest.text == "Forget corrections of 1 cell and 1 deleted place"
    put_in_place(world.session, world.image, rest)
    assert world.image.statuses["cells"] == {}
    assert not world.image.edited
    assert world._operations().forget(frozenset()) is None
    world.session.undo()
    world.session.undo()
    assert world.image.masks.hand_edits.shaped
    assert world.image.statuses["cells"] == {min(kept): "accepted"}


def test_one_cell_is_forgotten_without_the_places_around_it(world):
    world.delete((0, 0, 0))
    world.split((0, 1, 1))
    cell = frozenset([world.id_at((0, 1, 1))])
    put_in_place(
        world.session, world.image, world._operations().forget(frozenset(), cell)
    )
    hand = world.image.masks.hand_edits
    assert hand.shaped == {world.id_at((0, 1, 0))}
    assert hand.places == 1


def test_an_image_with_cells_that_a_run_kept_is_edited_also_when_reopened(world):
    world.split((0, 1, 1))
    again = merge_into(
        world.session.project,
        MasksState.of(world.image, "cells"),
        found(),
        Checkpoint(),
    )
    world.session.replace_masks(world.image, again, "Run")
    assert world.image.edited
    session = world.session
    session.seal_all()
    session.project.close()
    world.session = Session(Project.open(session.project.path))
    [image] = world.session.images
    # The list of images tells it before any masks are read.
    assert image.edited
    assert not image.masks.pixels.loaded
    world.session.show(image.source.key)
    world.session.undo()
    assert image.edited
    world.session.undo()
    assert not image.edited


def test_merged_cells_leave_no_deleted_place(world):
    world.merge((0, 0, 0), (0, 1, 0))
    world.check()
    table = world.table
    hand = hand_edits(
        world.session.project, world.image.masks, world.labels.copy(), table
    )
    assert (hand.places, len(hand.edited)) == (0, 1)

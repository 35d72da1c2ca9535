"""The undo stack, with steps that write down what happens to them."""

from __future__ import annotations

import pytest

from cellpose_studio.app.undo.stack import UndoStack
from cellpose_studio.app.undo.steps import UndoStep


class Noted(UndoStep):
    """A step that notes when it is undone and redone."""

    def __init__(self, image, text, notes):
        super().__init__(None, image, "cells", text, 0)
        self.notes = notes

    def undo(self):
        self.notes.append(f"undo {self.text}")

    def redo(self):
        self.notes.append(f"redo {self.text}")


class Unfit(Noted):
    """A step that fails."""

    def undo(self):
        raise ValueError(self.text)


@pytest.fixture
def notes():
    return []


def texts(stack):
    """Return what would be undone and redone."""
    return [step and step.text for step in (stack.next(-1), stack.next(1))]


def test_a_step_that_is_pushed_is_not_done_again(notes):
    stack = UndoStack()
    stack.push(Noted("a", "1", notes))
    assert notes == []
    assert texts(stack) == ["1", None]
    assert (stack.done, len(stack)) == (1, 1)


def test_it_moves_back_and_forth_and_stops_at_the_ends(notes):
    stack = UndoStack()
    stack.load([Noted("a", text, notes) for text in "12"], 1)
    for by in (-1, -1, 1, 1, 1):
        stack.move(by)
    assert notes == ["undo 1", "redo 1", "redo 2"]
    assert texts(stack) == ["2", None]


def test_a_new_step_takes_the_place_of_those_undone(notes):
    stack = UndoStack()
    stack.load([Noted("a", text, notes) for text in "123"], 1)
    stack.push(Noted("a", "new", notes))
    assert texts(stack) == ["new", None]
    assert len(stack) == 2


def test_steps_on_an_image_are_forgotten_on_both_sides(notes):
    stack = UndoStack()
    images = ("a", "b", "a", "b", "a")
    stack.load([Noted(e, str(n), notes) for n, e in enumerate(images)], 3)
    stack.forget("a")
    assert texts(stack) == ["1", "3"]
    assert (stack.done, len(stack)) == (1, 2)


def test_a_step_that_fails_stays_where_it_is(notes):
    stack = UndoStack()
    stack.push(Unfit("a", "1", notes))
    with pytest.raises(ValueError, match="1"):
        stack.move(-1)
    assert texts(stack) == ["1", None]


def test_every_change_is_told(notes):
    stack, changes = UndoStack(), []
    stack.changed.connect(lambda: changes.append(texts(stack)))
    stack.push(Noted("a", "1", notes))
    stack.move(-1)
    stack.clear()
    assert changes == [["1", None], [None, "1"], [None, None]]

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


def texts(stack, image="a"):
    """Return what would be undone and redone on an image."""
    return [
        step and step.text for step in (stack.next(-1, image), stack.next(1, image))
    ]


def loaded(notes, *steps):
    """Return a stack with steps: image, text, and whether it is applied."""
    stack = UndoStack()
    stack.load([(Noted(image, text, notes), done) for image, text, done in steps])
    return stack


def test_a_step_that_is_pushed_is_not_done_again(notes):
    stack = UndoStack()
    stack.push(Noted("a", "1", notes))
    assert notes == []
    assert texts(stack) == ["1", None]
    assert (stack.done("a"), len(stack)) == (1, 1)


def test_it_moves_back_and_forth_and_stops_at_the_ends(notes):
    stack = loaded(notes, ("a", "1", True), ("a", "2", False))
    for by in (-1, -1, 1, 1, 1):
        stack.move(by, "a")
    assert notes == ["undo 1", "redo 1", "redo 2"]
    assert texts(stack) == ["2", None]


def test_a_new_step_takes_the_place_of_those_undone_on_its_image(notes):
    stack = loaded(
        notes, ("a", "1", True), ("b", "2", False), ("a", "3", False), ("a", "4", False)
    )
    stack.push(Noted("a", "new", notes))
    assert texts(stack) == ["new", None]
    assert texts(stack, "b") == [None, "2"]
    assert len(stack) == 3


def test_undo_keeps_to_the_image_that_it_is_asked_for(notes):
    stack = UndoStack()
    for n, image in enumerate("abab"):
        stack.push(Noted(image, str(n), notes))
    stack.move(-1, "a")
    stack.move(-1, "a")
    stack.move(1, "a")
    assert notes == ["undo 2", "undo 0", "redo 0"]
    assert texts(stack, "a") == ["0", "2"]
    assert texts(stack, "b") == ["3", None]


def test_without_an_image_there_is_nothing_to_undo(notes):
    stack = loaded(notes, ("a", "1", True))
    assert texts(stack, None) == [None, None]
    assert stack.text(-1, None) == ""


def test_a_step_that_fails_stays_where_it_is(notes):
    stack = UndoStack()
    stack.push(Unfit("a", "1", notes))
    with pytest.raises(ValueError, match="1"):
        stack.move(-1, "a")
    assert texts(stack) == ["1", None]


def test_every_change_is_told(notes):
    stack, changes = UndoStack(), []
    stack.changed.connect(lambda: changes.append(texts(stack)))
    stack.push(Noted("a", "1", notes))
    stack.move(-1, "a")
    stack.load([])
    assert changes == [["1", None], [None, "1"], [None, None]]

"""Classes of cells in a session: steps of undo, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.session.classes import (
    add_class,
    apply_classes,
    change_class,
    class_facts,
    put_into_class,
    remove_class,
)
from cellpose_studio.app.session.held_copy import save_held
from cellpose_studio.app.session.label_sets import delete_masks, rename_masks
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.cells.cell_classes import read_classes
from tests.io.project.conftest import CLASSIFIER


@pytest.fixture
def images(session, cells):
    """Return two images with cells 1 to 4; the first is shown."""
    found = []
    for name in ("a.tif", "b.tif"):
        [image] = session.add(open_images(cells(name, (32, 32))))
        session.show(image.source.key)
        labels = np.zeros((32, 32), np.uint32)
        for n in range(4):
            labels[4:12, 8 * n : 8 * n + 6] = n + 1
        masks = LabelSet(name="cells", pixels=LabelImage(labels), origin="run", cells=4)
        session.replace_masks(image, masks, "Run")
        found.append(image)
    session.show(found[0].source.key)
    return found


@pytest.fixture
def classes(session, images):
    return [add_class(session, name) for name in ("round", "long")]


def by_hand(image) -> dict[int, int]:
    return {cell: one.number for cell, one in image.classes.get("cells", {}).items()}


def test_all_of_it_is_there_when_the_project_is_opened_again(
    session, images, classes, reopened
):
    one, two = classes
    put_into_class(session, images[0], [1, 2], one.id)
    put_into_class(session, images[0], [2], two.id)
    number = session.masks.classes.record(CLASSIFIER)
    found = Assigned(number=two.id, probability=0.75, classifier=number)
    assert apply_classes(session, images[1], {3: found}) == 1
    remove_class(session, one)
    again = reopened()
    first, second = again.images
    assert by_hand(first) == {1: one.id, 2: two.id}
    assert second.classes == {"cells": {3: found}}
    assert [each.name for each in again.masks.classes.present] == ["long"]
    assert again.masks.classes.classifiers == {number: CLASSIFIER}
    assert add_class(again, "round").id not in (one.id, two.id)


def test_classes_can_be_undone_after_a_restart(session, images, classes, reopened):
    one, two = classes
    image = images[0]
    put_into_class(session, image, [1, 2, 3], one.id)
    pixels = image.masks.pixels
    session.edit(image, delete_cells(pixels.array(), pixels.cell_table(), [3]))
    put_into_class(session, image, [1], two.id)
    put_into_class(session, image, [2], None)
    assert session.undo_text == "Clear the class of 1 cell"
    again = reopened()
    image = again.images.by_id(image.id)
    again.show(image.source.key)
    expected = [{1: two.id, 2: one.id}, {1: one.id, 2: one.id}]
    for wanted in expected:
        again.undo()
        assert {c: n for c, n in by_hand(image).items() if c != 3} == wanted
    again.undo()
    assert 3 in image.masks.array
    assert by_hand(image) == dict.fromkeys((1, 2, 3), one.id)
    again.undo()
    assert by_hand(image) == {}
    for _ in range(4):
        again.redo()
    assert by_hand(image) == {1: two.id, 3: one.id}
    assert 3 not in image.masks.array


def test_a_classifier_makes_a_step_on_each_image_and_leaves_what_was_said(
    session, images, classes
):
    one, two = classes
    put_into_class(session, images[0], [1], one.id)
    number = session.masks.classes.record(CLASSIFIER)
    found = {
        cell: Assigned(number=two.id, probability=0.9, classifier=number)
        for cell in (1, 2, 3, 4)
    }
    assert [apply_classes(session, image, found) for image in images] == [3, 4]
    assert by_hand(images[0]) == {1: one.id, 2: two.id, 3: two.id, 4: two.id}
    session.undo()
    assert by_hand(images[0]) == {1: one.id}
    assert len(by_hand(images[1])) == 4


def test_a_step_of_the_list_belongs_to_the_image_shown(session, images, classes):
    one, _ = classes
    session.show(images[1].source.key)
    change_class(session, replace(one, colour="#123456"))
    session.show(images[0].source.key)
    assert session.undo_text == "Add class long"
    session.undo()
    assert [each.name for each in session.masks.classes.present] == ["round"]
    assert session.masks.classes.get(one.id).colour == "#123456"
    session.show(images[1].source.key)
    session.undo()
    assert session.masks.classes.get(one.id).colour == one.colour


def test_what_was_changed_elsewhere_since_is_not_undone(session, images, classes):
    one, two = classes
    change_class(session, replace(one, name="oval", key=2))
    assert session.masks.classes.get(two.id).key == 1
    session.show(images[1].source.key)
    add_class(session, "Round")
    change_class(session, replace(session.masks.classes.get(one.id), colour="#123456"))
    session.show(images[0].source.key)
    session.undo()
    known = session.masks.classes.get(one.id)
    assert (known.name, known.key, known.colour) == ("round 2", 1, "#123456")
    assert session.masks.classes.get(two.id).key == 2


def test_classes_go_with_masks_that_are_renamed_deleted_and_saved_elsewhere(
    session, images, classes, tmp_path
):
    one, _ = classes
    image = images[0]
    put_into_class(session, image, [1, 4], one.id)
    rename_masks(session, image, "cells", "other")
    assert image.classes["other"].keys() == {1, 4}
    copy = save_held(session, tmp_path / "copy.cpstudio")
    copy.project.writer.flush()
    kept = copy.project.read(read_classes)
    copy.project.close()
    assert kept.classes == session.masks.classes.every
    assert [sorted(cells) for cells in kept.assigned.values()] == [[1, 4]]
    delete_masks(session, image, "other")
    assert image.classes["other"] == {}
    session.undo()
    assert image.classes["other"].keys() == {1, 4}


def test_tables_have_no_classes_of_projects_without_any(session, images):
    assert class_facts(session, images[0], "cells") is None
    one = add_class(session, "round")
    put_into_class(session, images[0], [2], one.id)
    facts = class_facts(session, images[0], "cells")
    assert facts.names == ("round",)
    found = facts.of(np.array([1, 2], np.uint32))
    assert facts.names_of(found).tolist() == ["", "round"]
    remove_class(session, one)
    assert class_facts(session, images[0], "cells") is None

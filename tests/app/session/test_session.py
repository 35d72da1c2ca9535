"""What is open, what is shown, and going back to earlier masks."""

from __future__ import annotations

import os

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.revisions import read_revisions


@pytest.fixture
def images(session, cells):
    """Return three open images; the first is shown."""
    images = session.add(open_images(cells(f"{n}.tif", (32, 32)))[0] for n in "abc")
    session.show(images[0].source.key)
    return images


def masks(origin: str, name: str = "cells") -> LabelSet:
    return LabelSet(
        name=name,
        pixels=LabelImage(np.zeros((32, 32), np.uint32)),
        origin=origin,
        cells=0,
    )


def origins(image):
    """Return where the masks of an image come from, by label set."""
    return {name: labels.origin for name, labels in image.label_sets.items()}


def patch(image, cell):
    """Return an edit that gives a cell four pixels."""
    labels, pixels = image.masks.array, np.full((2, 2), cell, np.uint32)
    return edit_between("Draw", [cell], labels, (slice(4, 6),) * 2, pixels)


def names(session):
    return [image.source.name for image in session.images]


def test_images_keep_the_order_in_which_they_were_opened(session, images):
    assert names(session) == ["a.tif", "b.tif", "c.tif"]
    assert session.image(images[1].source.key) is images[1]


def test_opening_an_image_again_keeps_its_masks(session, images):
    session.replace_masks(images[0], masks("run"), "Run")
    again = session.add(open_images(images[0].source.path))
    assert again == [images[0]]
    assert origins(images[0]) == {"cells": "run"}
    assert len(session.images) == 3


def test_an_image_that_was_touched_can_be_read_after_it_was_opened_again(
    session, images
):
    path = images[0].source.path
    session.show(images[0].source.key)
    shown = []
    session.shown_changed.connect(lambda image: shown.append(image.source))
    os.utime(path, ns=(1, 1))
    with pytest.raises(Exception, match="Open it again"):
        images[0].source.plane(0, 0, 0)
    session.add(open_images(path))
    assert images[0].source.plane(0, 0, 0).shape == (32, 32)
    assert shown == [images[0].source]


def test_another_image_in_the_same_file_starts_afresh_in_its_place(
    session, images, cells
):
    session.show(images[1].source.key)
    session.replace_masks(images[1], masks("run"), "Run")
    shown = []
    session.shown_changed.connect(shown.append)
    [new] = session.add(open_images(cells("b.tif", (64, 64))))
    assert new.source.shape[-2:] == (64, 64)
    assert new.label_sets == {}
    assert session.images[1] is new
    assert shown == [new]
    assert not session.can_undo


def test_changes_are_announced(session, images):
    heard = []
    session.images_changed.connect(lambda: heard.append("images"))
    session.shown_changed.connect(lambda image: heard.append(image))
    session.masks_changed.connect(
        lambda what: heard.append((what.image, what.name, what.kind))
    )
    session.show(images[2].source.key)
    session.show(images[2].source.key)
    session.import_masks(images[0], masks("file"), {})
    session.close(images[2].source.key)
    session.show("not open")
    session.close("not open")
    imported = (images[0], "cells", "replaced")
    assert heard == [images[2], imported, "images", images[1]]


def test_masks_changed_says_what_kind_of_change_it_was(session, images):
    image, kinds = images[0], []
    session.masks_changed.connect(lambda what: kinds.append(what.kind))

    def after(act, *args):
        """Return the kinds of the changes that ``act`` tells of."""
        kinds.clear()
        act(*args)
        return kinds.copy()

    assert after(session.replace_masks, image, masks("run"), "Run") == ["replaced"]
    assert after(session.preview, image, masks("slider")) == ["previewed"]
    assert after(session.commit_pending, image) == ["replaced"]
    assert after(session.choose_label_set, image, "other") == ["activated"]
    assert after(session.choose_label_set, image, "cells") == ["activated"]
    assert after(session.complete, image, image.masks) == ["loaded"]
    stroke = session.begin_stroke(image, "Brush")
    edit = patch(image, 7)
    assert after(stroke.add, edit) == ["drafted"]
    assert after(session.end_stroke) == ["edited"]
    assert after(session.undo) == ["edited"]
    assert after(session.undo) == ["replaced"]


def test_a_stroke_that_ends_says_that_its_pixels_were_drafted(session, images):
    image, edits = images[0], []
    session.replace_masks(image, masks("run"), "Run")
    session.masks_changed.connect(edits.append)
    stroke = session.begin_stroke(image, "Brush")
    stroke.add(patch(image, 7))
    session.end_stroke()
    session.undo()
    session.edit(image, patch(image, 8))
    kinds = [(change.kind, change.was_drafted) for change in edits]
    assert kinds == [
        ("drafted", False),
        ("edited", True),
        ("edited", False),
        ("edited", False),
    ]
    assert all(change.edit is not None for change in edits)


@pytest.mark.parametrize(
    ("shown", "closed", "then"),
    [(0, 0, 1), (1, 1, 2), (2, 2, 1), (0, 2, 0)],
)
def test_closing_an_image_shows_its_neighbour(session, images, shown, closed, then):
    session.show(images[shown].source.key)
    session.close(images[closed].source.key)
    assert session.shown is images[then]
    assert tuple(session.images) == tuple(e for e in images if e is not images[closed])


def test_closing_the_last_image_shows_none(session, images):
    session.show(images[0].source.key)
    heard = []
    session.shown_changed.connect(heard.append)
    for image in images:
        session.close(image.source.key)
    assert heard == [images[1], images[2], None]
    assert session.shown is None


def test_steps_stop_at_both_ends(session, images):
    session.images.show_none()
    session.step(1)
    assert session.shown is None
    session.show(images[0].source.key)
    seen = []
    for by in (1, 1, 1, -1, -5, 5):
        session.step(by)
        seen.append(images.index(session.shown))
    assert seen == [1, 2, 2, 1, 0, 2]


def test_undo_and_redo_go_through_all_masks(session, images):
    image = images[0]
    for origin in ("first", "second"):
        session.replace_masks(image, masks(origin), f"Run {origin}")
    assert session.undo_text == "Run second"
    seen = [origins(image)]
    for go in (session.undo, session.undo, session.redo, session.redo):
        go()
        seen.append(origins(image))
    first, second = {"cells": "first"}, {"cells": "second"}
    assert seen == [second, first, {}, first, second]


def test_undo_leaves_what_is_not_in_sight(session, images):
    a, b, _ = images
    session.replace_masks(a, masks("mine"), "Run here")
    session.replace_masks(b, masks("batch"), "Run there")
    assert (session.undo_text, session.redo_text) == ("Run here", "")
    session.undo()
    session.undo()
    assert session.shown is a
    assert (origins(a), origins(b)) == ({}, {"cells": "batch"})
    assert (session.can_undo, session.redo_text) == (False, "Run here")
    session.show(b.source.key)
    assert (session.undo_text, session.can_redo) == ("Run there", False)
    session.undo()
    assert origins(b) == {}


def test_work_on_one_image_leaves_what_was_undone_on_another(session, images):
    a, b, _ = images
    session.replace_masks(a, masks("1"), "1")
    session.undo()
    session.replace_masks(b, masks("2"), "2")
    session.redo()
    assert (origins(a), origins(b)) == ({"cells": "1"}, {"cells": "2"})


def test_undo_makes_the_earlier_label_set_the_active_one(session, images):
    image = images[0]
    session.import_masks(image, masks("file", "masks"), {})
    session.choose_label_set(image, "masks")
    session.replace_masks(image, masks("run"), "Run")
    assert image.masks.origin == "run"
    session.undo()
    assert image.masks.origin == "file"
    assert origins(image) == {"masks": "file"}
    session.redo()
    assert image.masks.origin == "run"


def test_what_a_slider_passes_is_one_step(session, images):
    image = images[0]
    session.replace_masks(image, masks("run"), "Run")
    for gesture in ("first", "second"):
        for n in range(3):
            session.preview(image, masks(f"{gesture} {n}"))
            assert image.masks.origin == f"{gesture} {n}"
        session.commit_pending(image)
    assert len(session.undo_stack) == 3
    seen = []
    for go in (*[session.undo] * 3, *[session.redo] * 3):
        go()
        seen.append(origins(image).get("cells"))
    assert seen == ["first 2", "run", None, "run", "first 2", "second 2"]


def test_undo_takes_a_preview_back_first(session, images):
    image = images[0]
    session.replace_masks(image, masks("run"), "Run")
    labels = image.masks.array
    edit = edit_between("Draw", [1], labels, (slice(0, 2),) * 2, np.ones((2, 2), "u4"))
    session.edit(image, edit)
    session.preview(image, masks("slider"))
    session.undo()
    assert image.masks.origin == "run"
    assert image.masks.cells == 1
    session.undo()
    assert not image.masks.array.any()
    session.redo()
    assert image.masks.cells == 1
    session.redo()
    assert image.masks.origin == "slider"


def test_a_preview_belongs_to_its_label_set(session, images):
    image = images[0]
    for name in ("cells", "nuclei"):
        session.replace_masks(image, masks("run", name), "Run")
    session.preview(image, masks("slider", "nuclei"))
    session.choose_label_set(image, "cells")
    session.commit_pending(image)
    assert origins(image) == {"cells": "run", "nuclei": "slider"}


def test_a_preview_makes_no_revision_until_it_is_kept(session, images, project):
    image = images[0]
    session.replace_masks(image, masks("run"), "Run")
    number = image.label_set_ids["cells"]

    def revisions():
        found = project.read(lambda db: read_revisions(db, number))
        return [revision.origin for revision in found]

    for n in range(3):
        session.preview(image, masks(f"slider {n}"))
        assert revisions() == ["run"]
    session.undo()
    assert origins(image) == {"cells": "run"}
    assert revisions() == ["run", "slider 2"]
    session.commit_pending(image)
    assert revisions() == ["run", "slider 2"]


def test_a_result_for_an_image_off_the_list_waits_for_it(session, images):
    gone = images[0]
    session.close(gone.source.key)
    session.replace_masks(gone, masks("run"), "Run")
    assert not session.can_undo
    [again] = session.add(open_images(gone.source.path))
    assert origins(again) == {"cells": "run"}


def test_a_result_for_another_project_goes_nowhere(session, images, tmp_path):
    gone = images[0]
    other = Project.create(tmp_path / "other.cpstudio")
    session.use(other)
    session.replace_masks(gone, masks("run"), "Run")
    assert tuple(session.images) == ()
    assert not session.can_undo
    other.close()


def test_an_image_that_is_put_back_can_be_undone_as_before(session, images):
    a, b, c = images
    for image, origin in [(a, "1"), (b, "2"), (b, "3"), (a, "4")]:
        session.replace_masks(image, masks(origin), origin)
    session.close(b.source.key, c.source.key)
    assert list(session.images) == [a]
    assert session.undo_text == "4"
    session.put_back(b, c)
    assert list(session.images) == [a, b, c]
    assert session.shown is b
    assert session.undo_text == "3"
    session.undo()
    session.undo()
    assert (origins(a), origins(b)) == ({"cells": "4"}, {})


def test_an_image_whose_file_was_added_again_is_not_put_back_twice(session, images):
    a = images[0]
    session.close(a.source.key)
    [again] = session.add([a.source])
    session.put_back(a)
    assert again is a
    assert sorted(image.id for image in session.images) == [1, 2, 3]


def test_masks_that_come_for_a_removed_image_can_be_undone_on_it(session, images):
    a = images[0]
    session.replace_masks(a, masks("run"), "Run")
    session.close(a.source.key)
    session.replace_masks(a, masks("late"), "Late run")
    session.put_back(a)
    assert (session.undo_text, origins(a)) == ("Late run", {"cells": "late"})
    session.undo()
    assert (session.undo_text, origins(a)) == ("Run", {"cells": "run"})

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
def entries(session, cells):
    """Return the entries of three open images; none is shown."""
    return session.add(open_images(cells(f"{n}.tif", (32, 32)))[0] for n in "abc")


def masks(origin: str, name: str = "cells") -> LabelSet:
    return LabelSet(name, LabelImage(np.zeros((32, 32), np.uint32)), origin, 0)


def origins(entry):
    """Return where the masks of an image come from, by label set."""
    return {name: labels.origin for name, labels in entry.label_sets.items()}


def names(session):
    return [entry.image.name for entry in session.entries]


def test_images_keep_the_order_in_which_they_were_opened(session, entries):
    assert names(session) == ["a.tif", "b.tif", "c.tif"]
    assert session.shown is None
    assert session.entry(entries[1].image.key) is entries[1]


def test_opening_an_image_again_keeps_its_masks(session, entries):
    session.replace_labels(entries[0], masks("run"), "Run")
    again = session.add(open_images(entries[0].image.path))
    assert again == [entries[0]]
    assert origins(entries[0]) == {"cells": "run"}
    assert len(session.entries) == 3


def test_an_image_that_was_touched_can_be_read_after_it_was_opened_again(
    session, entries
):
    path = entries[0].image.path
    session.show(entries[0].image.key)
    shown = []
    session.shown_changed.connect(lambda entry: shown.append(entry.image))
    os.utime(path, ns=(1, 1))
    with pytest.raises(Exception, match="Open it again"):
        entries[0].image.plane(0, 0, 0)
    session.add(open_images(path))
    assert entries[0].image.plane(0, 0, 0).shape == (32, 32)
    assert shown == [entries[0].image]


def test_another_image_in_the_same_file_starts_afresh_in_its_place(
    session, entries, cells
):
    session.show(entries[1].image.key)
    session.replace_labels(entries[1], masks("run"), "Run")
    shown = []
    session.shown_changed.connect(shown.append)
    [new] = session.add(open_images(cells("b.tif", (64, 64))))
    assert new.image.shape[-2:] == (64, 64)
    assert new.label_sets == {}
    assert session.entries[1] is new
    assert shown == [new]
    assert not session.undo_stack.canUndo()


def test_changes_are_announced(session, entries):
    heard = []
    session.images_changed.connect(lambda: heard.append("images"))
    session.shown_changed.connect(lambda entry: heard.append(entry))
    session.labels_changed.connect(lambda *what: heard.append(what))
    session.show(entries[2].image.key)
    session.show(entries[2].image.key)
    session.import_labels(entries[0], masks("file"), {})
    session.close(entries[2].image.key)
    session.show("not open")
    session.close("not open")
    assert heard == [entries[2], (entries[0], "cells"), "images", entries[1]]


@pytest.mark.parametrize(
    ("shown", "closed", "then"),
    [(0, 0, 1), (1, 1, 2), (2, 2, 1), (0, 2, 0)],
)
def test_closing_an_image_shows_its_neighbour(session, entries, shown, closed, then):
    session.show(entries[shown].image.key)
    session.close(entries[closed].image.key)
    assert session.shown is entries[then]
    assert session.entries == tuple(e for e in entries if e is not entries[closed])


def test_closing_the_last_image_shows_none(session, entries):
    session.show(entries[0].image.key)
    heard = []
    session.shown_changed.connect(heard.append)
    for entry in entries:
        session.close(entry.image.key)
    assert heard == [entries[1], entries[2], None]
    assert session.shown is None


def test_steps_stop_at_both_ends(session, entries):
    session.step(1)
    assert session.shown is None
    session.show(entries[0].image.key)
    seen = []
    for by in (1, 1, 1, -1, -5, 5):
        session.step(by)
        seen.append(entries.index(session.shown))
    assert seen == [1, 2, 2, 1, 0, 2]


def test_undo_and_redo_go_through_all_masks(session, entries):
    entry = entries[0]
    stack = session.undo_stack
    for origin in ("first", "second"):
        session.replace_labels(entry, masks(origin), f"Run {origin}")
    assert stack.undoText() == "Run second"
    seen = [origins(entry)]
    for go in (stack.undo, stack.undo, stack.redo, stack.redo):
        go()
        seen.append(origins(entry))
    first, second = {"cells": "first"}, {"cells": "second"}
    assert seen == [second, first, {}, first, second]


def test_undo_goes_to_the_image_it_changes(session, entries):
    session.show(entries[0].image.key)
    session.replace_labels(entries[1], masks("run"), "Run")
    assert session.shown is entries[0]
    session.undo_stack.undo()
    assert session.shown is entries[1]
    session.show(entries[0].image.key)
    session.undo_stack.redo()
    assert session.shown is entries[1]


def test_undo_makes_the_earlier_label_set_the_active_one(session, entries):
    entry = entries[0]
    session.import_labels(entry, masks("file", "masks"), {})
    session.choose_labels(entry, "masks")
    session.replace_labels(entry, masks("run"), "Run")
    assert entry.labels.origin == "run"
    session.undo_stack.undo()
    assert entry.labels.origin == "file"
    assert origins(entry) == {"masks": "file"}
    session.undo_stack.redo()
    assert entry.labels.origin == "run"


def test_what_a_slider_passes_is_one_step(session, entries):
    entry, stack = entries[0], session.undo_stack
    session.replace_labels(entry, masks("run"), "Run")
    for gesture in ("first", "second"):
        for n in range(3):
            session.preview(entry, masks(f"{gesture} {n}"))
            assert entry.labels.origin == f"{gesture} {n}"
        session.keep_preview(entry, "Change")
    assert stack.count() == 3
    seen = []
    for go in (*[stack.undo] * 3, *[stack.redo] * 3):
        go()
        seen.append(origins(entry).get("cells"))
    assert seen == ["first 2", "run", None, "run", "first 2", "second 2"]


def test_undo_takes_a_preview_back_first(session, entries):
    entry = entries[0]
    session.replace_labels(entry, masks("run"), "Run")
    labels = entry.labels.labels
    edit = edit_between("Draw", [1], labels, (slice(0, 2),) * 2, np.ones((2, 2), "u4"))
    session.edit(entry, edit)
    session.preview(entry, masks("slider"))
    session.undo()
    assert entry.labels.origin == "run"
    assert entry.labels.cells == 1
    session.undo()
    assert not entry.labels.labels.any()
    session.redo()
    assert entry.labels.cells == 1
    session.redo()
    assert entry.labels.origin == "slider"


def test_a_preview_belongs_to_its_label_set(session, entries):
    entry = entries[0]
    for name in ("cells", "nuclei"):
        session.replace_labels(entry, masks("run", name), "Run")
    session.preview(entry, masks("slider", "nuclei"))
    session.choose_labels(entry, "cells")
    session.keep_preview(entry, "Change")
    assert origins(entry) == {"cells": "run", "nuclei": "slider"}


def test_a_preview_makes_no_revision(session, entries, project):
    entry = entries[0]
    session.replace_labels(entry, masks("run"), "Run")
    session.preview(entry, masks("slider"))
    session.undo_stack.undo()
    session.undo_stack.redo()
    assert origins(entry) == {"cells": "run"}
    session.keep_preview(entry, "Change")
    number = entry.label_set_ids["cells"]
    found = project.read(lambda db: read_revisions(db, number))
    assert [revision.origin for revision in found] == ["run"]


def test_a_result_for_an_image_off_the_list_waits_for_it(session, entries):
    gone = entries[0]
    session.close(gone.image.key)
    session.replace_labels(gone, masks("run"), "Run")
    assert not session.undo_stack.canUndo()
    [again] = session.add(open_images(gone.image.path))
    assert origins(again) == {"cells": "run"}


def test_a_result_for_another_project_goes_nowhere(session, entries, tmp_path):
    gone = entries[0]
    other = Project.create(tmp_path / "other.cpstudio")
    session.use(other)
    session.replace_labels(gone, masks("run"), "Run")
    assert session.entries == ()
    assert not session.undo_stack.canUndo()
    other.close()


def test_steps_on_a_closed_image_are_skipped(session, entries):
    a, b, c = entries
    for entry, origin in [(a, "1"), (b, "2"), (b, "3"), (a, "4"), (c, "5"), (b, "6")]:
        session.replace_labels(entry, masks(origin), origin)
    stack = session.undo_stack
    session.close(b.image.key)
    assert stack.undoText() == "5"
    stack.undo()
    stack.undo()
    assert stack.undoText() == "1"
    assert (origins(a), origins(c)) == ({"cells": "1"}, {})
    stack.undo()
    assert not stack.canUndo()
    stack.redo()
    stack.redo()
    stack.redo()
    assert not stack.canRedo()
    assert (origins(a), origins(c)) == ({"cells": "4"}, {"cells": "5"})


def test_steps_that_were_undone_are_skipped_too(session, entries):
    a, b, _ = entries
    for entry in (a, b, a):
        session.replace_labels(entry, masks("run"), entry.image.name)
    stack = session.undo_stack
    for _ in range(3):
        stack.undo()
    session.close(a.image.key)
    assert stack.redoText() == "b.tif"
    stack.redo()
    assert not stack.canRedo()
    assert origins(b) == {"cells": "run"}

"""The list of images: taking many off it, and saying that they lie elsewhere."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images


@pytest.fixture
def entries(session, cells):
    return session.add(
        open_images(cells(f"{n}.tif", (32, 32 + i)))[0] for i, n in enumerate("abcd")
    )


def names(session):
    return [entry.image.name for entry in session.entries]


def moved(entry, folder):
    folder.mkdir(exist_ok=True)
    return open_images(shutil.move(entry.image.path, folder / entry.image.path.name))[0]


@pytest.mark.parametrize(
    ("shown", "closed", "then"), [(1, (0, 1, 2), 3), (3, (1, 3), 2), (0, (1, 2), 0)]
)
def test_many_images_are_taken_off_at_once(session, entries, shown, closed, then):
    session.show(entries[shown].image.key)
    heard = []
    session.images_changed.connect(lambda: heard.append(1))
    session.close(*(entries[n].image.key for n in closed))
    assert session.shown is entries[then]
    assert len(session.entries) == 4 - len(closed)
    assert heard == [1]


def test_an_entry_is_found_by_its_id_while_it_is_listed(session, entries, reopened):
    assert session.entry_of(entries[2].id) is entries[2]
    session.close(entries[2].image.key)
    assert session.entry_of(entries[2].id) is None
    session.add([entries[2].image])
    assert session.entry_of(entries[2].id) is entries[2]
    assert session.entry_of(99) is None
    again = reopened()
    assert again.entry_of(entries[1].id).image.name == "b.tif"


def test_relinking_keeps_order_masks_and_undo(session, entries, tmp_path, reopened):
    one, two = entries[1], entries[2]
    pixels = np.zeros((32, 33), np.uint32)
    pixels[:4, :4] = 1
    labels = LabelSet("cells", LabelImage(pixels), "run", 1)
    session.replace_labels(one, labels, "Run")
    region = (slice(0, 4), slice(0, 4))
    after = np.zeros((4, 4), np.uint32)
    session.edit(one, edit_between("Delete", [1], pixels, region, after))
    session.show(one.image.key)
    shown = []
    session.shown_changed.connect(lambda entry: shown.append(entry.image.path))
    new = [moved(entry, tmp_path / "new") for entry in (one, two)]
    session.relink((one, new[0]), (two, new[1]))
    assert names(session) == ["a.tif", "b.tif", "c.tif", "d.tif"]
    assert shown == [tmp_path / "new" / "b.tif"]
    assert session.shown is one
    assert session.entry(new[0].key) is one
    session.undo_stack.undo()
    assert one.labels.labels.max() == 1
    session.undo_stack.undo()
    assert one.labels is None
    session.undo_stack.redo()
    again = reopened()
    assert names(again) == ["a.tif", "b.tif", "c.tif", "d.tif"]
    assert again.entries[1].image.path == tmp_path / "new" / "b.tif"
    assert again.entries[1].labels.labels.max() == 1


def test_an_image_does_not_take_the_place_of_another(session, entries, tmp_path):
    new = moved(entries[0], tmp_path / "new")
    session.add([new])
    session.relink((entries[0], new))
    assert len(session.entries) == 5
    assert entries[0].image.path == tmp_path / "a.tif"
    session.close(entries[1].image.key)
    session.relink((entries[1], moved(entries[1], tmp_path / "new")))
    assert len(session.entries) == 4

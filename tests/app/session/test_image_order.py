"""The list of images: taking many off it, and saying that they lie elsewhere."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images


@pytest.fixture
def images(session, cells):
    return session.add(
        open_images(cells(f"{n}.tif", (32, 32 + i)))[0] for i, n in enumerate("abcd")
    )


def names(session):
    return [image.source.name for image in session.images]


def moved(image, folder):
    folder.mkdir(exist_ok=True)
    return open_images(shutil.move(image.source.path, folder / image.source.path.name))[
        0
    ]


@pytest.mark.parametrize(
    ("shown", "closed", "then"), [(1, (0, 1, 2), 3), (3, (1, 3), 2), (0, (1, 2), 0)]
)
def test_many_images_are_taken_off_at_once(session, images, shown, closed, then):
    session.show(images[shown].source.key)
    heard = []
    session.images_changed.connect(lambda: heard.append(1))
    session.close(*(images[n].source.key for n in closed))
    assert session.shown is images[then]
    assert len(session.images) == 4 - len(closed)
    assert heard == [1]


def test_an_entry_is_found_by_its_id_while_it_is_listed(session, images, reopened):
    assert session.image_of(images[2].id) is images[2]
    session.close(images[2].source.key)
    assert session.image_of(images[2].id) is None
    session.add([images[2].source])
    assert session.image_of(images[2].id) is images[2]
    assert session.image_of(99) is None
    again = reopened()
    assert again.image_of(images[1].id).source.name == "b.tif"


def test_relinking_keeps_order_masks_and_undo(session, images, tmp_path, reopened):
    one, two = images[1], images[2]
    pixels = np.zeros((32, 33), np.uint32)
    pixels[:4, :4] = 1
    labels = LabelSet(name="cells", pixels=LabelImage(pixels), origin="run", cells=1)
    session.replace_masks(one, labels, "Run")
    region = (slice(0, 4), slice(0, 4))
    after = np.zeros((4, 4), np.uint32)
    session.edit(one, edit_between("Delete", [1], pixels, region, after))
    session.show(one.source.key)
    shown = []
    session.shown_changed.connect(lambda image: shown.append(image.source.path))
    new = [moved(image, tmp_path / "new") for image in (one, two)]
    session.relink((one, new[0]), (two, new[1]))
    assert names(session) == ["a.tif", "b.tif", "c.tif", "d.tif"]
    assert shown == [tmp_path / "new" / "b.tif"]
    assert session.shown is one
    assert session.image(new[0].key) is one
    session.undo()
    assert one.masks.array.max() == 1
    session.undo()
    assert one.masks is None
    session.redo()
    again = reopened()
    assert names(again) == ["a.tif", "b.tif", "c.tif", "d.tif"]
    assert again.images[1].source.path == tmp_path / "new" / "b.tif"
    assert again.images[1].masks.array.max() == 1


def test_an_image_does_not_take_the_place_of_another(session, images, tmp_path):
    new = moved(images[0], tmp_path / "new")
    session.add([new])
    session.relink((images[0], new))
    assert len(session.images) == 5
    assert images[0].source.path == tmp_path / "a.tif"
    session.close(images[1].source.key)
    session.relink((images[1], moved(images[1], tmp_path / "new")))
    assert len(session.images) == 4


def test_sizes_of_an_image_leave_its_place_alone(session, cells, tmp_path):
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    before = replace(
        image.source, path=tmp_path / "gone.tif", pixel_size_um=(None, 0.5, 0.5)
    )
    where = image.source.path
    session.images.set_sizes((image, before))
    assert image.source.pixel_size_um == (None, 0.5, 0.5)
    assert image.source.path == where

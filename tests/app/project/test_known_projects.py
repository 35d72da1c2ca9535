"""Projects that are not open are looked into: what they are, whose masks they have."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.known_projects import (
    masks_elsewhere,
    summaries,
    summary_of,
)
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.io.images.reader import open_images


@pytest.fixture
def saved(tmp_path, cells):
    """Return a function that saves a project of images, some with masks."""

    def save(name, images, masks=(), remove=()):
        session = Session(Project.create(tmp_path / f"{name}.cpstudio"))
        for file in images:
            [source] = open_images(cells(file))
            [image] = session.add([source])
            if file in masks:
                labels = np.zeros(source.label_shape, np.uint32)
                labels[2:9, 2:9] = 1
                label_set = LabelSet(
                    name="cells", pixels=LabelImage(labels), origin="a file", cells=1
                )
                session.import_masks(image, label_set, {})
            if file in remove:
                session.images.remove(image.source.key)
        session.leave()
        session.project.close()
        return session.project.path

    return save


def found(images, named=(), unnamed=()):
    return [
        (one.project.path.stem, [path.name for path in one.images])
        for one in masks_elsewhere(images, named, unnamed)
    ]


def test_a_project_is_its_name_its_date_and_its_images(saved):
    path = saved("plate", ["a.tif", "b.tif", "c.tif"], remove=["c.tif"])
    summary = summary_of(path)
    assert (summary.images, summary.name) == (2, "the project plate")
    assert datetime.now() - summary.changed < timedelta(minutes=5)
    unnamed = summary_of(path, unnamed=True)
    assert unnamed.name == f"an unnamed project of {summary.changed:%d %b, %H:%M}"


def test_projects_that_have_gone_or_are_none_are_left_out(saved, tmp_path):
    path = saved("plate", ["a.tif"])
    broken = tmp_path / "broken.cpstudio"
    broken.write_bytes(path.read_bytes()[:300])
    gone = tmp_path / "gone.cpstudio"
    assert [s.path for s in summaries([broken, gone, path])] == [path]
    assert found([tmp_path / "a.tif"], [broken, gone]) == []


def test_masks_of_an_image_are_found_in_other_projects(saved, tmp_path):
    one = saved("one", ["a.tif", "b.tif"], masks=["a.tif"])
    two = saved("two", ["a.tif", "b.tif"], masks=["a.tif", "b.tif"])
    none = saved("none", ["a.tif"])
    a, b, c = (tmp_path / f"{name}.tif" for name in "abc")
    assert found([a, b, c], [one, none, two]) == [
        ("two", ["a.tif", "b.tif"]),
        ("one", ["a.tif"]),
    ]
    assert found([b], [one]) == []
    [only] = masks_elsewhere([a], [], [one])
    assert only.project.unnamed


def test_masks_of_an_image_that_was_removed_are_not_offered(saved, tmp_path):
    path = saved("one", ["a.tif"], masks=["a.tif"], remove=["a.tif"])
    assert found([tmp_path / "a.tif"], [path]) == []


def test_another_image_of_the_same_name_is_another_image(saved, tmp_path, cells):
    path = saved("one", ["a.tif"], masks=["a.tif"])
    (tmp_path / "other").mkdir()
    assert found([cells("other/a.tif")], [path]) == []


def test_a_project_that_was_moved_with_its_images_has_their_masks(saved, tmp_path):
    path = saved("one", ["a.tif"], masks=["a.tif"])
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.move(path, moved / path.name)
    shutil.move(tmp_path / "a.tif", moved / "a.tif")
    assert found([moved / "a.tif"], [moved / path.name]) == [("one", ["a.tif"])]


def test_a_project_that_is_open_elsewhere_is_looked_into(saved, tmp_path):
    path = saved("one", ["a.tif"], masks=["a.tif"])
    other = Project.open(path)
    assert found([tmp_path / "a.tif"], [path]) == [("one", ["a.tif"])]
    other.close()

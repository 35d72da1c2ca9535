"""Folders with many files: names come first, and nothing grows with their square."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from qtpy.QtCore import Qt

from cellpose_studio.app.images.missing_images import MissingImages
from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.folders import ImageFiles
from cellpose_studio.ui.files import open_images as open_module
from cellpose_studio.ui.files import opening as opening_module
from cellpose_studio.ui.files.opening import Opening
from cellpose_studio.ui.files.opening_report import OpeningReport
from cellpose_studio.ui.images.model import BADGE, KEY, ImageFilter, ImageModel

NAME = Qt.ItemDataRole.DisplayRole


@pytest.fixture
def sources(cells, tmp_path):
    """Return a function that gives any number of images, without reading them."""
    [one] = open_images(cells("a.tif", (32, 32)))

    def make(number, start=0):
        numbers = range(start, start + number)
        return [replace(one, path=tmp_path / f"{n:05}.tif") for n in numbers]

    return make


@pytest.fixture
def session(tmp_path, qapp):
    project = Project.create(tmp_path / "p.cpstudio")
    yield Session(project)
    project.close()


@pytest.fixture
def model(session):
    missing = MissingImages(session)
    yield ImageModel(session, missing, TrainingSet(session))
    missing.shut_down()


class Events:
    """Counts what a model emits."""

    def __init__(self, model):
        self.resets, self.rows = 0, []
        model.modelReset.connect(self._on_reset)
        model.rowsInserted.connect(
            lambda _, first, last: self.rows.append((first, last))
        )

    def _on_reset(self):
        self.resets += 1


def names(model):
    return [model.index(n, 0).data(NAME) for n in range(model.rowCount())]


@pytest.mark.parametrize("number", [500, 2000])
def test_images_that_are_added_are_inserted_each_once(session, model, sources, number):
    events = Events(model)
    images = sources(number)
    for start in range(0, number, 100):
        session.add(images[start : start + 100])
    assert events.resets == 0
    inserted = sum(last - first + 1 for first, last in events.rows)
    assert inserted == number == model.images
    assert [model.row_of(image.key) for image in images] == list(range(number))


def test_another_image_of_a_file_is_shown_in_its_place(session, model, sources):
    images = sources(3)
    session.add(images)
    events = Events(model)
    session.add([*sources(1), *sources(2, 3)])
    assert len(names(model)) == 5
    session.close(images[1].key)
    assert events.resets == 2
    assert names(model) == ["00000.tif", "00002.tif", "00003.tif", "00004.tif"]


def test_files_still_to_be_read_follow_the_images_and_cannot_be_chosen(
    session, model, sources
):
    session.add(sources(2))
    model.set_waiting(("00002.tif", "00003.tif", "00004.tif"))
    assert names(model) == [f"0000{n}.tif" for n in range(5)]
    waiting, image = model.index(3, 0), model.index(1, 0)
    assert waiting.data(KEY) is None
    assert waiting.data(BADGE) == "not read yet"
    assert "not been read yet" in waiting.data(Qt.ItemDataRole.ToolTipRole)
    assert waiting.flags() == Qt.ItemFlag.NoItemFlags
    assert image.flags() & Qt.ItemFlag.ItemIsSelectable
    events = Events(model)
    session.add(sources(2, 2))
    model.set_waiting(("00004.tif",))
    assert names(model) == [f"0000{n}.tif" for n in range(5)]
    assert (events.resets, model.images) == (0, 4)


def test_the_filter_and_its_neighbours_know_images_from_files(session, model, sources):
    filtered = ImageFilter(model)
    images = sources(3)
    session.add(images)
    model.set_waiting(("00003.tif", "10003.tif"))
    assert filtered.rowCount() == 5
    assert filtered.image_count() == 3
    assert [i.source.name for i in filtered.images()] == [i.name for i in images]
    assert filtered.neighbour(images[2].key, 1).source.key == images[2].key
    filtered.set("3", None)
    assert names(filtered) == ["00003.tif", "10003.tif"]
    assert filtered.image_count() == 0
    assert filtered.neighbour(images[0].key, 1) is None
    filtered.set("", model.status(0))
    assert filtered.rowCount() == filtered.image_count() == 3


def opening(files, **more):
    needed = {"paths": [], "axes": None, "title": "", "project": None, "exports": None}
    return Opening(**needed, report=OpeningReport(), files=files, **more)


def test_more_files_are_read_together_the_quicker_they_are_read():
    files = [ImageFiles(Path(f"{n}.tif"), ()) for n in range(2000)]
    one = opening(files, took=0.01)
    sizes = []
    while one.done < len(files):
        sizes.append(len(one.next_files()))
        one.adapt()
    assert sizes[:6] == [8, 16, 32, 64, 128, 256]
    assert sum(sizes) == 2000
    one.took = 5.0
    one.adapt()
    assert one.at_once == 128


def test_masks_are_never_read_of_many_images_together():
    files = [ImageFiles(Path(f"{n}.tif"), (Path(f"{n}_masks.tif"),)) for n in range(30)]
    one = opening(files, at_once=256)
    assert [len(one.next_files()) for _ in range(4)] == [8, 8, 8, 6]


@pytest.mark.slow
def test_a_large_folder_shows_all_names_before_they_are_read(
    user, tmp_path, cells, monkeypatch
):
    monkeypatch.setattr(open_module, "_MANY", 20)
    monkeypatch.setattr(opening_module, "_MOST_AT_ONCE", 8)
    content = cells("first.tif", (32, 32)).read_bytes()
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(40):
        (folder / f"{n:02}.tif").write_bytes(content)
    (folder / "05.tif").write_bytes(b"II*\0")
    window, seen = user.window, []
    model = window.images.model

    def note(*_):
        seen.append((model.rowCount(), model.images))

    window._opener.waiting_changed.connect(note)
    window.open([folder])
    user.wait_idle()
    assert seen[0] == (40, 0)
    assert all(rows >= 39 for rows, _ in seen)
    assert seen[-1] == (39, 39)
    assert window.images.count.text() == "39 images"
    # Opened again, no file is shown twice.
    seen.clear()
    window.open([folder])
    user.wait_idle()
    assert {rows for rows, _ in seen} <= {39, 40}
    assert window.images.count.text() == "39 images"

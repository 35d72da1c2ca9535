"""Images of a project: found again, asked for, never replaced by another."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.errors import ImageUnreadable, ProjectDamaged
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import open_project
from cellpose_studio.io.project.tables.images import (
    StoredImage,
    read_image_table,
    relative_to,
    rewrite_paths,
    write_image,
)

ALL = (slice(None),) * 5


@pytest.fixture
def project(tmp_path, reader):
    """Make folder/a.cpstudio with folder/images/a.tif; return the folder and pixels."""
    folder = tmp_path / "folder"
    (folder / "images").mkdir(parents=True)
    maker = reader.maker(folder / "a.cpstudio")
    maker.image("images/a.tif", (30, 40))
    maker.file.close()
    return folder, tifffile.imread(folder / "images" / "a.tif")


def images_of(path):
    file = open_project(path)
    try:
        return read_image_table(file.db, path.parent)
    finally:
        file.close()


def test_what_is_known_of_an_image_comes_back(reader, tmp_path):
    maker = reader.maker(tmp_path / "a.cpstudio")
    number = maker.image("a.tif", (30, 40))
    image = open_images(tmp_path / "a.tif")[0]
    image = replace(image, pixel_size_um=(None, 0.25, 0.5), channel_names=("DAPI",))
    image = replace(image, step_ratio=2.5)
    stored = StoredImage(
        id=number,
        image=image,
        asked_axes="YX",
        active="nuclei",
        reviewed=True,
        hidden=True,
    )
    write_image(maker.db, stored, tmp_path)
    (found,) = read_image_table(maker.db, tmp_path)
    maker.file.close()
    assert replace(found, image=image) == stored
    assert replace(found.image, reader=image.reader) == image


def test_the_pixels_are_those_of_the_file(project):
    folder, pixels = project
    (stored,) = images_of(folder / "a.cpstudio")
    np.testing.assert_array_equal(stored.image.reader.read(ALL)[0, 0, 0], pixels)


def test_images_move_with_the_folder_of_the_project(project, tmp_path):
    folder, pixels = project
    moved = shutil.move(folder, tmp_path / "moved")
    (stored,) = images_of(moved / "a.cpstudio")
    assert stored.image.path == moved / "images" / "a.tif"
    np.testing.assert_array_equal(stored.image.reader.read(ALL)[0, 0, 0], pixels)


def test_a_copied_folder_has_its_own_images(project, tmp_path):
    folder, _ = project
    copy = shutil.copytree(folder, tmp_path / "copy")
    (stored,) = images_of(copy / "a.cpstudio")
    assert stored.image.path == copy / "images" / "a.tif"


def test_a_project_that_moved_alone_finds_its_images_where_they_were(project, tmp_path):
    folder, pixels = project
    (tmp_path / "elsewhere").mkdir()
    alone = shutil.move(folder / "a.cpstudio", tmp_path / "elsewhere" / "a.cpstudio")
    (stored,) = images_of(alone)
    assert stored.image.path == folder / "images" / "a.tif"
    np.testing.assert_array_equal(stored.image.reader.read(ALL)[0, 0, 0], pixels)


def test_a_different_image_in_its_place_is_refused(project):
    folder, pixels = project
    tifffile.imwrite(folder / "images" / "a.tif", pixels + 1)
    (stored,) = images_of(folder / "a.cpstudio")
    with pytest.raises(ImageUnreadable, match="is a different image than the one"):
        stored.image.reader.read(ALL)


def test_an_image_of_another_shape_is_refused(project):
    folder, pixels = project
    tifffile.imwrite(folder / "images" / "a.tif", pixels[:-1])
    (stored,) = images_of(folder / "a.cpstudio")
    with pytest.raises(ImageUnreadable, match="Relink images"):
        stored.image.reader.read(ALL)


def test_a_missing_image_is_said_to_be_missing(project):
    folder, _ = project
    (folder / "images" / "a.tif").unlink()
    (stored,) = images_of(folder / "a.cpstudio")
    with pytest.raises(ImageUnreadable, match=r"a\.tif is no longer in .*images"):
        stored.image.reader.read(ALL)


def test_a_missing_folder_does_not_keep_the_project_from_opening(project):
    folder, _ = project
    shutil.rmtree(folder / "images")
    (stored,) = images_of(folder / "a.cpstudio")
    with pytest.raises(ImageUnreadable):
        stored.image.reader.read(ALL)


def test_relative_paths_have_slashes(tmp_path):
    assert relative_to(tmp_path / "a", tmp_path / "b" / "c.tif") == "../b/c.tif"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE image SET pixel_size_um = '[null, 1, 1]'",
        "UPDATE image SET fingerprint = ''",
        "UPDATE image SET shape = '[1, 1, 1, 31, 40]'",
        "UPDATE image SET channel_names = '[]'",
        "UPDATE image SET path = x'00'",
    ],
)
def test_a_changed_row_is_noticed(damage, project):
    folder, _ = project
    file = open_project(folder / "a.cpstudio")
    file.db.execute(damage)
    file.close()
    with pytest.raises(ProjectDamaged, match="the list of images cannot be read"):
        images_of(file.path)


def test_a_changed_row_does_not_pass_for_a_good_one_in_a_copy(project, tmp_path):
    folder, _ = project
    file = open_project(folder / "a.cpstudio")
    file.db.execute("UPDATE image SET path = '/another.tif'")
    rewrite_paths(file.db, folder, tmp_path)
    file.close()
    with pytest.raises(ProjectDamaged):
        images_of(file.path)

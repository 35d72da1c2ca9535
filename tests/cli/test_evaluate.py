"""``cellpose-studio evaluate``: the table that it prints."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.cli.main import run
from cellpose_studio.engine.torchvision_ops import make_importable
from cellpose_studio.io.images.reader import open_images
from tests.app.drawing import draw, grid, put_masks


@pytest.fixture
def evaluated(capsys):
    """Return a function that runs the command and returns code, output and errors."""

    def call(*arguments):
        code = run(["evaluate", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def masks(tmp_path):
    """Return a function that writes masks with cells of the widths given."""

    def write(name, *widths):
        labels = np.zeros((40, 40), np.uint16)
        for n, width in enumerate(widths):
            labels[10 * n : 10 * n + 10, :width] = n + 1
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, labels)
        return path

    return write


def rows(said):
    return [line.split() for line in said.splitlines()]


def test_precision_of_each_image_and_in_mean(evaluated, masks):
    # IoU of the cells: 1, 0.8, 0.6.
    masks("out/a_cp_masks.tif", 10, 8, 6)
    true = masks("true/a_masks.tif", 10, 10, 10)
    masks("out/b_cp_masks.tif", 10)
    masks("true/b_masks.tif", 10)
    code, said, errors = evaluated(true.parent.with_name("out"), true.parent)
    assert (code, errors) == (0, "")
    assert rows(said) == [
        ["masks", "AP@0.5", "AP@0.75", "AP@0.9", "true", "found"],
        ["a_cp_masks.tif", "1.000", "0.500", "0.200", "3", "3"],
        ["b_cp_masks.tif", "1.000", "1.000", "1.000", "1", "1"],
        ["mean", "of", "2", "images", "1.000", "0.750", "0.600"],
    ]
    assert len({len(line) for line in said.splitlines()[:3]}) == 1


def test_the_numbers_are_those_of_cellpose(evaluated, masks):
    make_importable()
    from cellpose.metrics import average_precision

    found, true = masks("a.tif", 10, 7, 5), masks("b.tif", 9, 10, 10, 10)
    _, said, _ = evaluated(found, true)
    labels = [tifffile.imread(path) for path in (true, found)]
    expected = average_precision(*labels, threshold=[0.5, 0.75, 0.9])[0]
    printed = [float(number) for number in rows(said)[1][1:4]]
    assert printed == pytest.approx(expected, abs=5e-4)


def test_two_files(evaluated, masks):
    code, said, _ = evaluated(masks("a.tif", 10), masks("b.tif", 10, 10))
    assert code == 0
    assert rows(said)[1:] == [
        ["a.tif", "0.500", "0.500", "0.500", "2", "1"],
        ["mean", "of", "1", "image", "0.500", "0.500", "0.500"],
    ]


def test_an_image_without_cells_does_not_count_in_the_mean(evaluated, masks):
    for folder in ("out", "true"):
        masks(f"{folder}/a_masks.tif")
        last = masks(f"{folder}/b_masks.tif", 10)
    code, said, errors = evaluated(last.parent.with_name("out"), last.parent)
    assert (code, errors) == (0, "")
    assert rows(said)[1:] == [
        ["a_masks.tif", "nan", "nan", "nan", "0", "0"],
        ["b_masks.tif", "1.000", "1.000", "1.000", "1", "1"],
        ["mean", "of", "1", "image", "1.000", "1.000", "1.000"],
    ]
    code, said, errors = evaluated(
        last.with_name("a_masks.tif"), last.with_name("a_masks.tif")
    )
    assert (code, errors) == (0, "")
    assert "mean" not in said


def test_masks_that_cannot_be_compared_do_not_stop_the_rest(evaluated, masks):
    good = masks("out/a_masks.tif", 10)
    masks("true/a_masks.tif", 10)
    bad = masks("true/b_masks.tif", 10)
    (good.parent / "b_masks.tif").write_bytes(b"nothing")
    code, said, errors = evaluated(good.parent, bad.parent)
    assert code == 1
    assert rows(said)[-1][:4] == ["mean", "of", "1", "image"]
    counts, failure = errors.splitlines()
    assert counts == "1 done, 1 failed:"
    assert "b_masks.tif is damaged" in failure
    good.unlink()
    code, said, errors = evaluated(good.parent, bad.parent)
    assert code == 2
    assert "mean" not in said


def test_masks_without_a_partner_are_named(evaluated, masks):
    masks("out/a_cp_masks.tif", 10)
    masks("out/b_cp_masks.tif", 10)
    true = masks("true/a_masks.tif", 10)
    masks("true/c_masks.tif", 10)
    code, _, errors = evaluated(true.parent.with_name("out"), true.parent)
    assert code == 0
    assert errors == (
        "cellpose-studio: without a partner: b_cp_masks.tif, c_masks.tif\n"
    )


def test_nothing_to_compare_is_said_in_a_sentence(evaluated, masks, tmp_path):
    one, other = masks("out/a_masks.tif", 10), masks("true/b_masks.tif", 10)
    for arguments, said in (
        ((one.parent, other.parent), "No masks in out and true belong together."),
        ((one, tmp_path / "gone.tif"), "gone.tif cannot be opened"),
        ((one.parent, tmp_path / "gone"), "not two files or two folders"),
    ):
        code, _, errors = evaluated(*arguments)
        assert code == 2
        assert said in errors


def test_results_of_segmenting_can_be_evaluated_beside_the_true_masks(
    evaluated, cells, capsys
):
    path = cells("a.tif")
    y, x = np.indices((96, 128))
    true = np.where(
        np.hypot(y % 32 - 16, x % 32 - 16) < 10, 1 + y // 32 * 4 + x // 32, 0
    )
    tifffile.imwrite(path.with_name("a_masks.tif"), true.astype(np.uint16))
    assert run(["segment", str(path.parent)]) == 0
    capsys.readouterr()
    code, said, _ = evaluated(path.parent, path.parent)
    assert code == 0
    name, at_half, at_three_quarters, *_ = rows(said)[1]
    assert name == "a_cp_masks.tif"
    assert (at_half, at_three_quarters) == ("1.000", "1.000")


def test_other_scores_can_be_printed_and_written(evaluated, masks, tmp_path):
    found, true = masks("a.tif", 10, 8, 6), masks("b.tif", 10, 10, 10)
    files = ["--csv", tmp_path / "s.csv", "--json", tmp_path / "s.json"]
    options = ["--metrics", "f1", "pq", "aji", "boundary", "--iou", "0.5", *files]
    code, said, errors = evaluated(found, true, *options)
    assert (code, errors) == (0, "")
    assert rows(said)[0] == ["masks", "F1@0.5", "PQ@0.5", "AJI", "BF", "true", "found"]
    # All three are found, with 240 of the 300 pixels of the true cells.
    assert rows(said)[1][1:4] == ["1.000", "0.800", "0.800"]
    table = list(csv.DictReader((tmp_path / "s.csv").open()))
    assert [row["image"] for row in table] == ["a.tif", "all images"]
    assert float(table[0]["sq"]) == pytest.approx(0.8)
    document = json.loads((tmp_path / "s.json").read_text())
    assert document["scores"][0]["boundary_f"] == pytest.approx(
        float(rows(said)[1][4]), abs=1e-3
    )
    assert document["iou"] == [0.5]


def test_wrong_cells_are_written(evaluated, masks, tmp_path):
    found, true = masks("a.tif", 10, 10), masks("b.tif", 10, 10, 12)
    code, _, _ = evaluated(found, true, "--csv", tmp_path / "s.csv")
    assert code == 0
    [row] = csv.DictReader((tmp_path / "s_cells.csv").open())
    assert (row["kind"], row["true_cells"]) == ("missed", "3")
    assert (float(row["y"]), float(row["x"])) == (24.5, 5.5)
    # Without a wrong cell, those of before are gone.
    evaluated(true, true, "--csv", tmp_path / "s.csv")
    assert not list(csv.DictReader((tmp_path / "s_cells.csv").open()))


def test_pixels_can_be_ignored(evaluated, masks, tmp_path):
    found = masks("out/a_cp_masks.tif", 10, 10)
    true = masks("true/a_masks.tif", 10, 10, 10)
    ignored = tmp_path / "ignore"
    ignored.mkdir()
    hidden = np.zeros((40, 40), np.uint8)
    hidden[20:] = 1
    tifffile.imwrite(ignored / "a_ignore.tif", hidden)
    for ignore in (ignored, ignored / "a_ignore.tif"):
        _, said, _ = evaluated(found.parent, true.parent, "--ignore", ignore)
        assert rows(said)[1][1:] == ["1.000", "1.000", "1.000", "2", "2"]
    tifffile.imwrite(ignored / "a_ignore.tif", hidden[:20])
    code, _, errors = evaluated(found.parent, true.parent, "--ignore", ignored)
    assert code == 2
    assert "The ignore mask of a_cp_masks.tif has the size (20, 40)" in errors


def test_the_mask_to_ignore_is_found_by_the_name_of_the_image(
    evaluated, masks, tmp_path
):
    found, true = masks("a.tif", 10, 10), masks("true/a_cp_masks.tif", 10, 10, 10)
    ignored = tmp_path / "ignore"
    ignored.mkdir()
    hidden = np.zeros((40, 40), np.uint8)
    tifffile.imwrite(ignored / "a.tif", hidden + 1)
    hidden[20:] = 1
    tifffile.imwrite(ignored / "a_ignore.tif", hidden)
    _, said, _ = evaluated(found, true, "--ignore", ignored)
    assert rows(said)[1][-2:] == ["2", "2"]


def test_masks_that_know_what_is_not_annotated_may_be_ignored_elsewhere(
    evaluated, masks, tmp_path
):
    found = masks("a.tif", 10, 10, 10)
    true = tifffile.imread(masks("b.tif", 10, 10, 10)).astype(np.int16)
    true[20:] = -1
    tifffile.imwrite(tmp_path / "b.tif", true)
    hidden = np.zeros((40, 40), np.uint8)
    hidden[:10] = 1
    ignore = tmp_path / "ignore.tif"
    tifffile.imwrite(ignore, hidden)
    _, said, _ = evaluated(found, tmp_path / "b.tif", "--ignore", ignore)
    assert rows(said)[1][-2:] == ["1", "1"]
    tifffile.imwrite(ignore, hidden[:20])
    code, _, errors = evaluated(found, tmp_path / "b.tif", "--ignore", ignore)
    assert code == 2
    assert "The ignore mask of a.tif has the size (20, 40)" in errors


def test_cells_at_the_border_can_be_left_out(evaluated, masks):
    found, true = masks("a.tif", 10, 10), masks("b.tif", 10, 10)
    _, said, _ = evaluated(found, true, "--without-border")
    assert rows(said)[1][-2:] == ["0", "0"]


def test_one_file_alone_is_nothing_to_compare(evaluated, masks):
    code, _, errors = evaluated(masks("a.tif", 10))
    assert code == 2
    assert "a.tif is no project, and has nothing to be compared with." in errors


def test_masks_of_a_project_are_compared_with_what_the_run_found(
    evaluated, earlier_project, tmp_path
):
    code, said, errors = evaluated(earlier_project, "--csv", tmp_path / "s.csv")
    assert (code, errors) == (0, "")
    assert rows(said)[1:3] == [
        # Of the true cells, one was rejected, and one is for later.
        ["a.tif", *["0.818"] * 3, "9", "11"],
        ["b.tif", *["1.000"] * 3, "5", "5"],
    ]
    assert len((tmp_path / "s.csv").read_text().splitlines()) > 3
    code, said, errors = evaluated(earlier_project, "--found", "yeast")
    assert code == 2
    assert "has both yeast and shown masks. Names of its masks: cells" in errors


def test_images_that_nobody_corrected_do_not_count(qapp, evaluated, cells, tmp_path):
    """They would agree with themselves, and make the run look better than it is."""
    path = tmp_path / "p.cpstudio"
    project = Project.create(path)
    session = Session(project)
    images = [*session.add(open_images(cells("a.tif", (48, 60))))]
    images += session.add(open_images(cells("b.tif", (48, 60))))
    for image in images:
        put_masks(session, image, grid((48, 60)))
    project.close()
    code, _, errors = evaluated(path)
    assert code == 2
    assert "Nobody has corrected or reviewed an image" in errors
    project = Project.open(path)
    session = Session(project)
    [first, _] = session.images
    draw(session, first, 99)
    project.close()
    code, said, errors = evaluated(path)
    assert code == 0
    assert [row[0] for row in rows(said)] == ["masks", "a.tif", "mean"]
    assert "left out: 1 image that nobody corrected or reviewed" in errors

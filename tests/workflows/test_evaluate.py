"""Which masks are compared with which, and how well they agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tifffile
from skimage.io import imsave

from cellpose_studio.core.errors import ImageUnreadable, MasksUnreadable
from cellpose_studio.core.matching.evaluation.evaluate import (
    EvaluationOptions,
    evaluate,
)
from cellpose_studio.workflows.evaluation.files import masks_pairs, read_pair
from cellpose_studio.workflows.evaluation.items import (
    EvaluatedImage,
    EvaluatedImages,
    evaluate_item,
    on_the_same_images,
)


@pytest.fixture
def folder(tmp_path):
    """Return a function that makes a folder of small label images."""

    def make(name, *files):
        for file in files:
            path = tmp_path / name / file
            path.parent.mkdir(exist_ok=True)
            path.touch()
        return tmp_path / name

    return make


def paired(predicted, true):
    """Return the names of the pairs, and of the files that are alone."""
    found = masks_pairs(predicted, true)
    pairs = [(one.name, other.name) for one, other in found.pairs]
    return pairs, [path.name for path in found.alone]


def scores(*files, axes=None):
    """Return the scores of two files, and the note on them."""
    pair = read_pair(*files, axes)
    options = EvaluationOptions(thresholds=(0.5, 0.75, 0.9), boundary=None)
    return evaluate_item("a", pair, options).scores, pair.note


def test_two_files_are_a_pair_whatever_their_names(tmp_path):
    one, other = tmp_path / "one.tif", tmp_path / "other.png"
    assert masks_pairs(one, other).pairs == ((one, other),)


def test_files_of_folders_are_paired_by_their_image(folder):
    predicted = folder("out", "a10_cp_masks.tif", "a2_cp_masks.png", "c_seg.npy")
    true = folder("true", "a2_masks.tif", "c_masks.tif", "a10_masks.png", "a2.tif")
    assert paired(predicted, true) == (
        [
            ("a2_cp_masks.png", "a2_masks.tif"),
            ("a10_cp_masks.tif", "a10_masks.png"),
            ("c_seg.npy", "c_masks.tif"),
        ],
        [],
    )


def test_results_beside_their_images_are_told_from_the_true_masks(folder):
    both = folder("both", "a.tif", "a_masks.tif", "a_cp_masks.tif", "a_seg.npy")
    assert paired(both, both) == ([("a_cp_masks.tif", "a_masks.tif")], [])


def test_masks_for_other_programs_are_found(folder):
    predicted = folder("out", "a_rois.zip", "b_coco.json", "b_cells.geojson")
    true = folder("true", "a_masks.tif", "b_masks.tif", "b_rois.zip")
    assert paired(predicted, true) == (
        [("a_rois.zip", "a_masks.tif"), ("b_cells.geojson", "b_masks.tif")],
        [],
    )
    both = folder("both", "a.tif", "a_masks.tif", "a_rois.zip", "a_coco.json")
    assert paired(both, both) == ([("a_rois.zip", "a_masks.tif")], [])


def test_files_that_disagree_with_those_taken_are_named(tmp_path):
    masks = np.zeros((8, 8), np.uint16)
    masks[1:4, 1:4], masks[5:7, 5:7] = 1, 2
    for name in ("p/a_cp_masks.tif", "t/a_masks.tif", "p/a_cellprofiler_masks.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        # The same cells by other numbers.
        numbers = np.array([0, 2, 1], np.uint16) if "cellp" in name else np.arange(3)
        tifffile.imwrite(tmp_path / name, numbers.astype(np.uint16)[masks])
    np.savez(tmp_path / "t" / "a_segm.npz", np.zeros_like(masks))
    found = masks_pairs(tmp_path / "p", tmp_path / "t")
    (pair,) = found.pairs
    assert [path.name for path in pair] == ["a_cp_masks.tif", "a_masks.tif"]
    note = read_pair(*pair, others=found.others).note
    assert note == "a_segm.npz holds other cells than a_masks.tif, which was taken."


def test_a_file_is_not_compared_with_itself(folder):
    both = folder("both", "a.tif", "a_masks.tif", "b.tif", "b_masks.tif")
    with pytest.raises(MasksUnreadable, match="No masks in both and both belong"):
        masks_pairs(both, both)
    folder("both", "a_cp_masks.tif")
    assert paired(both, both) == (
        [("a_cp_masks.tif", "a_masks.tif")],
        ["b_masks.tif"],
    )


def test_files_without_a_partner_are_named(folder):
    predicted = folder("out", "a_cp_masks.tif", "b_cp_masks.tif")
    true = folder("true", "a_masks.tif", "c_masks.tif")
    assert paired(predicted, true) == (
        [("a_cp_masks.tif", "a_masks.tif")],
        ["b_cp_masks.tif", "c_masks.tif"],
    )


def test_a_folder_of_plain_label_images_will_do(folder):
    predicted = folder("out", "a_cp_masks.tif", "b_cp_masks.tif")
    plain = folder("plain", "a.tif", "b.png", ".hidden.tif", "notes.txt")
    expected = [("a_cp_masks.tif", "a.tif"), ("b_cp_masks.tif", "b.png")]
    assert paired(predicted, plain) == (expected, [])
    assert paired(folder("plain too", "a.tif"), plain)[0] == [("a.tif", "a.tif")]


def test_what_cannot_be_compared_is_said(folder, tmp_path):
    out = folder("out", "a_cp_masks.tif")
    with pytest.raises(MasksUnreadable, match="No masks in out and true belong"):
        masks_pairs(out, folder("true", "b_masks.tif"))
    with pytest.raises(MasksUnreadable, match=r"two files or two folders"):
        masks_pairs(out, tmp_path / "missing")
    with pytest.raises(MasksUnreadable, match=r"two files or two folders"):
        masks_pairs(out / "a_cp_masks.tif", out)


def test_a_folder_that_cannot_be_read_is_said_to(folder, tmp_path, monkeypatch):
    out = folder("out", "a_cp_masks.tif")

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    # Whoever may read everything, as in a container, is never refused.
    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(ImageUnreadable, match="out cannot be read: Permission denied"):
        masks_pairs(out, out)


def test_agreement_is_counted_by_overlap(tmp_path):
    true = np.zeros((40, 40), np.uint16)
    true[2:12, 2:12], true[20:30, 20:30] = 1, 2
    found = np.zeros((40, 40), np.uint16)
    found[2:12, 2:12] = 7  # exactly
    found[20:30, 20:28] = 9  # IoU 0.8
    found[34:38, 34:38] = 5  # nothing
    tifffile.imwrite(tmp_path / "found.tif", found)
    imsave(tmp_path / "true.png", true, check_contrast=False)
    agreement, _ = scores(tmp_path / "found.tif", tmp_path / "true.png")
    assert agreement.ap == pytest.approx((2 / 3, 2 / 3, 1 / 4))
    assert (agreement.true_cells, agreement.found_cells) == (2, 3)


def test_images_without_cells_agree_on_nothing(tmp_path):
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, np.zeros((8, 8), np.uint16))
    agreement, _ = scores(tmp_path / "a.tif", tmp_path / "b.tif")
    assert all(math.isnan(value) for value in agreement.ap)


def test_masks_of_different_shapes_are_refused(tmp_path):
    for name, shape in (("a.tif", (8, 8)), ("b.tif", (8, 9))):
        tifffile.imwrite(tmp_path / name, np.ones(shape, np.uint16))
    with pytest.raises(
        MasksUnreadable, match=r"a\.tif, have the shape \(8, 8\), but the true"
    ):
        scores(tmp_path / "a.tif", tmp_path / "b.tif")


def test_masks_of_foreground_alone_are_refused(tmp_path):
    true = np.zeros((20, 20), np.uint8)
    true[2:8, 2:8] = true[12:18, 12:18] = 255
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, true)
    with pytest.raises(MasksUnreadable, match=r"holds 0 and 255 only"):
        scores(tmp_path / "a.tif", tmp_path / "b.tif")


def test_where_nobody_has_annotated_nothing_is_wrong(tmp_path):
    found = np.zeros((40, 40), np.uint16)
    found[2:12, 2:12], found[25:35, 25:35] = 1, 2
    true = np.where(found == 1, 1, 0)
    true[20:] = -1
    tifffile.imwrite(tmp_path / "found.tif", found)
    tifffile.imwrite(tmp_path / "true.tif", true.astype(np.int16))
    agreement, _ = scores(tmp_path / "found.tif", tmp_path / "true.tif")
    assert agreement.ap.tolist() == [1, 1, 1]
    assert (agreement.true_cells, agreement.found_cells) == (1, 1)


@pytest.fixture
def film():
    """Return masks of a cell that moves through four frames, and another that rests."""
    labels = np.zeros((4, 40, 40), np.uint16)
    for t in range(4):
        labels[t, 5:15, 7 * t : 7 * t + 10] = 1
        labels[t, 25:35, 25:35] = 2
    return labels


def own_ids(labels):
    """Number the cells of each frame anew."""
    return np.where(labels > 0, labels + 2 * np.arange(4)[:, None, None], 0).astype(
        "u2"
    )


@pytest.mark.parametrize(
    "how",
    [{"metadata": {"axes": "TYX"}}, {"imagej": True, "metadata": {"axes": "TYX"}}],
)
@pytest.mark.parametrize("tracked", [True, False])
def test_frames_are_compared_one_by_one(tmp_path, film, how, tracked):
    """Cells are the same whether they have one id in all frames or one in each."""
    film[3, 30:] = 0
    tifffile.imwrite(tmp_path / "true.tif", film, **how)
    found = film if tracked else own_ids(film)
    tifffile.imwrite(tmp_path / "found.tif", found, metadata={"axes": "TYX"})
    result, note = scores(tmp_path / "found.tif", tmp_path / "true.tif")
    assert result.ap.tolist() == [1, 1, 1]
    assert (result.true_cells, result.found_cells, note) == (8, 8, "")
    found[0, 25:35, 25:28] = 0  # IoU 0.7 in one frame of four
    tifffile.imwrite(tmp_path / "found.tif", found, metadata={"axes": "TYX"})
    result, note = scores(tmp_path / "found.tif", tmp_path / "true.tif")
    assert result.ap == pytest.approx((1, 7 / 9, 7 / 9))


def test_the_image_beside_masks_says_what_they_are(tmp_path, film):
    """Cellpose itself writes masks without a word on their axes."""
    for name, masks in (("true", film), ("out", own_ids(film))):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "a_masks.tif"
        tifffile.imwrite(path, masks, metadata=None, photometric="minisblack")
    found, true = tmp_path / "out" / "a_masks.tif", tmp_path / "true" / "a_masks.tif"
    result, note = scores(found, true)
    assert result.ap.tolist() == [0, 0, 0]
    assert "are taken for a stack" in note
    assert "add --axes TYX" in note
    assert scores(found, true, axes="TYX")[0].ap.tolist() == [1, 1, 1]
    image = film.astype(np.uint8)
    tifffile.imwrite(tmp_path / "true" / "a.tif", image, metadata={"axes": "TYX"})
    result, note = scores(found, true)
    assert (result.ap.tolist(), note) == ([1, 1, 1], "")


def test_planes_of_a_stack_are_compared_together(tmp_path, film):
    film[:, :20] = 0
    for name, masks in (("true.tif", film), ("found.tif", own_ids(film))):
        tifffile.imwrite(tmp_path / name, masks, metadata={"axes": "ZYX"})
    result, _ = scores(tmp_path / "found.tif", tmp_path / "true.tif")
    assert (result.true_cells, result.found_cells) == (1, 4)
    assert result.ap.tolist() == [0, 0, 0]


def test_axes_that_do_not_fit_masks_are_refused(tmp_path, film):
    tifffile.imwrite(tmp_path / "a.tif", film, photometric="minisblack")
    for axes in ("YX", "CYX", "TZYX"):
        with pytest.raises(MasksUnreadable, match=f"cannot be {axes}"):
            scores(tmp_path / "a.tif", tmp_path / "a.tif", axes=axes)


def test_two_masks_are_compared_on_the_images_that_have_both():
    masks = np.eye(4, dtype=np.uint32)
    options = EvaluationOptions(boundary=None)
    images = [
        EvaluatedImage(name=name, id=n, evaluation=evaluate(masks, masks, options))
        for n, name in enumerate("abc")
    ]
    one = EvaluatedImages(options=options, images=tuple(images))
    other = EvaluatedImages(options=options, images=tuple(images[1:]))
    found = on_the_same_images([one, other])
    assert [[i.name for i in result.images] for result in found] == [["b", "c"]] * 2
    assert on_the_same_images([one])[0].images == one.images

"""Trials of a parameter search: their scores, the best, and what speaks against it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from cellpose_studio.core.matching.evaluation.evaluate import evaluate
from cellpose_studio.core.provenance.search_record import SearchRecord
from cellpose_studio.core.recipes import as_methods
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.workflows.evaluation.search import (
    ImageToSearch,
    record_of_search,
    searchable,
)
from cellpose_studio.workflows.evaluation.trials import (
    SearchTable,
    Trial,
    trials_around,
)
from tests.images import image_of
from tests.records import UNET, run_record

PRESENT = Trial(cellprob_threshold=0.0, flow_threshold=0.4, min_size=15)
OTHER = Trial(cellprob_threshold=-1.0, flow_threshold=0.4, min_size=15)
FURTHER = Trial(cellprob_threshold=-1.0, flow_threshold=0.8, min_size=15)


def table(*rows: list[float]) -> SearchTable:
    trials = [PRESENT, OTHER, FURTHER][: len(rows)]
    found = SearchTable(trials=trials, images=[f"{n}.tif" for n in range(len(rows[0]))])
    found.scores[:] = rows
    found.cells = [40] * len(rows[0])
    return found


def test_images_of_the_model_of_the_image_shown_are_searched_on():
    image = image_of((1, 1, 1, 2, 2))
    models = [UNET, UNET, UNET.model_copy(update={"sha256": "cd" * 32})]
    found = [
        ImageToSearch(
            image=image,
            record=run_record(model=model),
            read=lambda: np.zeros((2, 2), np.uint32),
            id=n,
        )
        for n, model in enumerate(models, start=1)
    ]

    def searched(shown: int) -> list[int]:
        return [one.id for one in searchable(found, shown).images]

    assert searched(3) == [3]
    assert searched(1) == [1, 2]
    # Of an image that cannot be searched on, there is no model.
    assert searched(9) == searched(0) == [1, 2]
    assert searchable(found, 3).left_out == tuple(
        [f"{image.name}: it was run with Nuclei (small)"] * 2
    )


def test_the_present_parameters_are_the_first_trial():
    parameters = SegmentationParameters(flow_threshold=0.45, diameter=20)
    trials = trials_around(parameters, [16, 25])
    assert trials[0].flow_threshold == 0.45
    assert trials[0].diameter is None
    assert len(set(trials)) == len(trials)
    assert {one.diameter for one in trials} == {None, 16, 25}
    volume = trials_around(SegmentationParameters(do_3D=True))
    assert {one.flow_threshold for one in volume} == {0.4}


def test_of_equal_trials_the_one_with_fewest_changes_is_best():
    found = table([0.5, 0.5], [0.7, 0.5], [0.5, 0.7])
    assert found.best == 1
    assert found.means().tolist() == pytest.approx([0.5, 0.6, 0.6])
    assert found.spreads()[1] == pytest.approx(np.std([0.7, 0.5], ddof=1))


def test_trials_are_compared_on_the_same_images():
    # It was stopped after one of three trials on the second image, a difficult one.
    found = table([0.6, 0.2], [0.5, np.nan], [0.4, np.nan])
    assert found.means().tolist() == [0.6, 0.5, 0.4]
    assert (found.best, found.ranked()) == (0, [0, 1, 2])
    record = record_of_search(found, "abc", 1)
    assert (record.images, record.cells) == (1, 40)
    assert (record.score, record.score_before) == (0.5, 0.6)
    # On the first image, those that were made are compared.
    first = table([0.6], [0.7], [np.nan])
    assert (first.best, first.ranked()) == (1, [1, 0])
    three = table([0.6] * 3, [0.7, 0.7, np.nan])
    assert three.validated() is None


def test_images_that_were_left_out_judge_the_choice():
    found = table([0.5, 0.5, 0.5], [0.9, 0.2, 0.2], [0.2, 0.6, 0.6])
    # Without the first image, the third trial is best, and it is bad there; without
    # another one, it is the second that is bad on that.
    assert found.validated() == pytest.approx((0.2, 0))
    assert any("fit these images too closely" in one for one in found.warnings())
    assert table([0.5, 0.5]).validated() is None


def test_few_images_and_cells_are_warned_of():
    found = table([0.5], [0.6])
    found.cells = [12]
    text = " ".join(found.warnings())
    assert "With fewer than 3 images" in text
    assert "12 cells are few" in text
    assert "The present settings are the best." in table([0.6], [0.5]).warnings()
    assert not table([0.5, 0.6, 0.7, 0.5], [0.8, 0.9, 1.0, 0.8]).warnings()


def test_scores_of_masks_are_entered():
    true = np.zeros((10, 10), np.uint32)
    true[1:5, 1:5], true[6:9, 6:9] = 1, 2
    found = SearchTable(trials=[PRESENT], images=["a.tif"], metric="ap50")
    assert np.isnan(found.means()[0])
    found.add(0, 0, evaluate(np.where(true == 1, 1, 0), true).scores)
    assert (found.done, found.means()[0], found.cells) == (1, 0.5, [2])


@pytest.mark.parametrize("metric", ["ap", "ap50", "pq"])
def test_an_image_without_cells_is_right_if_nothing_is_found_there(metric):
    cell, nothing = np.zeros((2, 10, 10), np.uint32)
    cell[1:5, 1:5] = 1
    trials, images = [PRESENT, OTHER], ["a.tif", "empty.tif", "b.tif"]
    found = SearchTable(trials=trials, images=images, metric=metric)
    for image, true in enumerate((cell, nothing, cell)):
        found.add(0, image, evaluate(cell, true).scores)
        found.add(1, image, evaluate(true, true).scores)
    assert found.scores.tolist() == [[1, 0, 1], [1, 1, 1]]
    assert found.ap50[:, 1].tolist() == [0, 1]
    assert (found.best, found.done) == (1, 6)
    assert found.validated() is not None


def test_a_run_with_what_was_found_says_so():
    found = table([0.5, 0.5, 0.5], [0.7, 0.7, 0.7])
    record = record_of_search(found, "abc", found.best)
    parameters = SegmentationParameters(cellprob_threshold=-1)
    assert record.fits("abc", parameters)
    assert not record.fits("abc", SegmentationParameters())
    assert not record.fits("abd", parameters)
    run = run_record().model_copy(update={"search": record})
    assert (
        "were found by a search of 2 settings on 3 corrected images with 120 cells "
        "(average precision, mean of IoU 0.5 to 0.95: 0.700, 0.500 before; "
        "cross-validated 0.700)."
    ) in as_methods(run)
    again = SearchRecord.model_validate_json(record.model_dump_json())
    assert again == record
    assert again.created <= datetime.now(UTC)

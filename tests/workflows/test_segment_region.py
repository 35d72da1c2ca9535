"""Runs on a region: the cells of a run on the whole image, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.region import Region, cells_in
from cellpose_studio.engine.flows.region import NoCellThere
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.segment import segment
from tests.quick import quick_first

MODEL = shipped()[0]
NETWORKS = NetworkCache()
RECTANGLE = ((150, 20), (260, 120))
POLYGON = ((20, 30), (200, 50), (90, 140))


def run(image, checkpoint=None, **parameters):
    given = SegmentationParameters(**{"diameter": 20.0, **parameters})
    made = checkpoint or Checkpoint()
    return segment(image, MODEL, given, made, networks=NETWORKS)


def tiles(image, **parameters):
    """Return the result of a run, and how many tiles the network has seen."""
    said = []
    report = Checkpoint(lambda done, total, what: said.append((done, total, what)))
    result = run(image, report, **parameters)
    return result, max(total for _, total, what in said if what == "tile")


@pytest.mark.parametrize(
    "case",
    quick_first(
        1,
        [
            ({}, RECTANGLE),
            ({}, POLYGON),
            ({"resample": False}, RECTANGLE),
            ({"augment": True}, POLYGON),
            ({"normalization": Normalization(tile_norm_blocksize=80)}, RECTANGLE),
            ({"exclude_on_edges": True}, ((0, 0), (150, 150))),
            ({"diameter": 25.0, "min_size": 100}, RECTANGLE),
        ],
    ),
)
def test_a_region_has_the_cells_of_the_whole_image_pixel_by_pixel(cells, case):
    more, points = case
    [image] = open_images(cells("a.tif", (160, 800)))
    whole, every = tiles(image, **more)
    region = Region(points=points)
    part, few = tiles(image, region=region, **more)
    np.testing.assert_array_equal(
        part.labels > 0, cells_in(whole.labels, region, 1) > 0
    )
    assert 0 < part.labels.max() < whole.labels.max()
    assert few < every


@pytest.mark.slow
@pytest.mark.parametrize("do_3D", [False, True])
def test_planes_and_time_points_outside_have_no_cells(cells, do_3D):
    [image] = open_images(cells("a.tif", (2, 4, 96, 128), "TZYX"))
    plane = None if do_3D else 3
    region = Region(points=((0, 0), (70, 70)), frame=2, plane=plane)
    whole = run(image, do_3D=do_3D)
    part = run(image, do_3D=do_3D, region=region)
    np.testing.assert_array_equal(
        part.labels > 0, cells_in(whole.labels, region, 2) > 0
    )
    assert part.labels.max() > 0
    assert not part.labels[0].any()


def test_a_region_may_have_its_own_contrast(cells):
    [image] = open_images(cells("a.tif", (200, 220)))
    points = ((8, 8), (120, 120))
    flows = [
        run(image, region=Region(points=points, contrast=whose)).flows.cellprob
        for whose in ("image", "region")
    ]
    assert not np.array_equal(*flows)


def test_a_cell_is_looked_for_at_lower_probabilities(cells):
    [image] = open_images(cells("a.tif"))
    region = Region(points=((20, 20), (80, 80)), cell_at=(48, 48))
    easy = run(image, region=region)
    assert easy.parameters.region == region
    found = run(image, region=region, cellprob_threshold=6.0, min_size=200)
    lowered = found.parameters.region.cellprob
    assert lowered < 6
    assert found.parameters.cellprob_threshold == 6.0
    [cell] = np.unique(found.labels[found.labels > 0])
    assert found.labels[48, 48] == cell
    # What the record says gives the same cell, without looking again.
    again = run(image, region=found.parameters.region, cellprob_threshold=6.0)
    np.testing.assert_array_equal(again.labels, found.labels)


def test_where_no_cell_is_none_is_found(cells):
    [image] = open_images(cells("a.tif"))
    region = Region(points=((60, 60), (68, 68)), cell_at=(64, 64))
    with pytest.raises(NoCellThere, match="down to a cell probability of -4"):
        run(image, region=region, min_size=300)


@pytest.mark.parametrize(
    "region",
    [
        Region(points=((300, 0), (310, 10))),
        Region(points=((0, 0), (9, 9)), frame=2),
        Region(points=((0, 0), (9, 9)), plane=2),
    ],
)
def test_a_region_that_the_image_has_not_is_refused(cells, region):
    [image] = open_images(cells("a.tif"))
    with pytest.raises(ParametersUnfit, match="region"):
        run(image, region=region)

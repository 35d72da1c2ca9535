"""Whether a run fits into memory, said before it starts."""

from __future__ import annotations

import pytest

from cellpose_studio.core.errors import NotEnoughMemory
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.region import Region
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.blocks.forecast import forecast, refuse_large_region

MODEL = shipped()[0]
CORNERS = ((0, 0), (40, 40))
REGION = SegmentationParameters(region=Region(points=CORNERS, contrast="region"))


@pytest.fixture
def large(cells):
    """Return an image that a run as a whole takes half a gigabyte for."""
    return open_images(cells("a.tif", (2600, 2600)))[0]


def test_a_region_of_an_image_too_large_is_refused_in_one_sentence(large):
    free = 400_000_000
    whole = forecast(large, MODEL, SegmentationParameters(), free)
    assert whole.side is not None
    refuse_large_region(large, SegmentationParameters(), whole, free)
    needed = forecast(large, MODEL, REGION, free)
    assert needed.side is None
    with pytest.raises(NotEnoughMemory, match=r"a region of a.tif takes .* 0\.5 GB"):
        refuse_large_region(large, REGION, needed, free)
    refuse_large_region(large, REGION, needed, 2 * free)


def test_a_region_of_a_small_image_is_run_however_little_is_free(cells):
    [image] = open_images(cells("a.tif"))
    free = 10_000_000
    refuse_large_region(image, REGION, forecast(image, MODEL, REGION, free), free)


def test_a_region_with_the_contrast_of_the_image_is_run_in_blocks(large):
    given = SegmentationParameters(region=Region(points=CORNERS))
    needed = forecast(large, MODEL, given, 400_000_000)
    assert needed.side is not None
    refuse_large_region(large, given, needed, 1)
    whole = forecast(large, MODEL, SegmentationParameters(), 400_000_000)
    # It is all read, but the network sees only the tiles around the region.
    assert whole.seconds / 20 < needed.seconds < whole.seconds / 5

"""How much the network has to look at, counted before it is loaded."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.levels import halved
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.region import Region
from cellpose_studio.engine.blocks.network_flows import NetworkFlows
from cellpose_studio.engine.blocks.survey import NormalizedImage
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import unloaded
from cellpose_studio.workflows.blocks.coarse_look import SmallCopy
from cellpose_studio.workflows.blocks.network_work import network_work
from tests.engine.blocks.memory_store import MemoryStore

MODEL = shipped()[0]


class Pixels:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def read(self, region):
        return self.array[region]


def source(array: np.ndarray) -> ImageSource:
    return ImageSource(
        path=Path("a.tif"),
        scene="",
        shape=array.shape,
        dtype=array.dtype,
        file_axes="TCZYX",
        pixel_size_um=(None, None, None),
        channel_names=("Channel 1",),
        rgb=False,
        fingerprint="",
        reader=Pixels(array),
    )


def flows_of(image, parameters, diameter):
    pixels = NormalizedImage(image, parameters)
    return NetworkFlows(
        image=pixels,
        network=unloaded(MODEL, CPU),
        parameters=parameters,
        diameter=diameter,
        store=MemoryStore(),
        side=512,
        pixels=512**2,
    )


@pytest.mark.parametrize(
    ("shape", "diameter", "options"),
    [
        ((1, 1, 1, 4096, 3000), 28.0, {}),
        ((2, 1, 3, 900, 2100), 9.0, {}),
        ((1, 1, 1, 300, 2100), 40.0, {}),
        ((1, 1, 1, 2000, 2100), 20.0, {"augment": True}),
        ((1, 1, 1, 2000, 2100), 20.0, {"tile_overlap": 0.4}),
        ((1, 1, 60, 400, 500), 20.0, {"do_3D": True, "anisotropy": 3.0}),
    ],
)
def test_tiles_are_those_of_a_run(shape, diameter, options):
    image = source(np.zeros(shape, np.uint8))
    parameters = SegmentationParameters(channels=(1,), diameter=diameter, **options)
    flows = flows_of(image, parameters, diameter)
    tile = MODEL.architecture_info.tile
    area = sum(
        group.tiles * math.prod(flows.tilings[group.view].tile)
        for group in flows.groups
    )
    work = network_work(image, MODEL, parameters)
    assert work.tiles == pytest.approx(area / tile**2, rel=0.15)
    views = 3 if parameters.do_3D else 1
    outputs = shape[0] * views * math.prod(flows.seen)
    assert work.outputs == pytest.approx(outputs, rel=0.02)
    assert work.share == pytest.approx(1)


def test_of_a_region_only_the_tiles_around_it_count():
    image = source(np.zeros((1, 1, 1, 6000, 6000), np.uint8))
    corners = ((1000, 1000), (1900, 2300))
    parameters = SegmentationParameters(
        channels=(1,), diameter=20.0, region=Region(points=corners)
    )
    flows = flows_of(image, parameters, 20.0)
    flows.image.is_empty = lambda *_: False
    tiles = sum(len(flows.wanted(group)) for group in flows.groups)
    work = network_work(image, MODEL, parameters)
    assert tiles <= work.tiles < 1.7 * tiles
    assert work.share < 0.2
    whole = parameters.model_copy(update={"region": None})
    assert work.outputs < network_work(image, MODEL, whole).outputs / 5


@pytest.fixture(scope="module")
def slide():
    """Return noise as of a camera, with cells in a corner and a dim one elsewhere."""
    random = np.random.default_rng(0)
    pixels = random.normal(200, 12, (2048, 3072))
    y, x = np.indices((700, 1100)) % 32 - 16
    pixels[:700, :1100] += 9000 / (1 + np.exp(np.hypot(y, x) - 10))
    pixels[1900:1920, 2500:2520] += 300
    return pixels.round().astype(np.uint16)


def small_copy(pixels: np.ndarray, factor: int) -> SmallCopy:
    for _ in range(int(np.log2(factor))):
        pixels = halved(pixels)
    return SmallCopy(factor=factor, planes=[[pixels]])


@pytest.mark.parametrize("factor", [2, 8])
def test_a_small_copy_tells_how_many_tiles_show_anything(slide, factor):
    image = source(slide[None, None, None])
    parameters = SegmentationParameters(channels=(1,), diameter=20.0)
    flows = flows_of(image, parameters, 20.0)
    flows.image.look(Checkpoint())
    wanted = sum(len(flows.wanted(group)) for group in flows.groups)
    exact = wanted / flows.count_tiles()
    assert 0.1 < exact < 0.4
    share = small_copy(slide, factor).share_of_tiles(image, MODEL, parameters)
    assert exact <= share < 1.4 * exact


def test_a_small_copy_tells_nothing_of_pixels_that_change_before_a_run(slide):
    copy = small_copy(slide, 8)
    image = source(slide[None, None, None])
    raw = SegmentationParameters(normalization=Normalization(normalize=False))
    assert copy.share_of_tiles(image, MODEL, raw) == 1
    holes = slide.astype(np.float32)
    holes[5, 5] = np.nan
    copy = SmallCopy(factor=1, planes=[[holes]])
    assert copy.share_of_tiles(image, MODEL, SegmentationParameters()) == 1
    flat = replace(copy, planes=[[np.zeros((2048, 3072), np.uint8)]])
    assert flat.share_of_tiles(image, MODEL, SegmentationParameters()) == 0

"""Flows of groups of tiles are those of a run on the whole image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.engine.blocks.network_flows import NetworkFlows
from cellpose_studio.engine.blocks.survey import NormalizedImage
from cellpose_studio.engine.flows.compute import flows_of_planes, flows_of_volume
from cellpose_studio.engine.flows.prepare import network_input
from cellpose_studio.engine.flows.tiles import TileCounter
from tests.engine.blocks.memory_store import MemoryStore

QUIET = TileCounter(Checkpoint(), 0)


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
        channel_names=tuple(f"Channel {n + 1}" for n in range(array.shape[1])),
        rgb=False,
        fingerprint="",
        reader=Pixels(array),
    )


def noise(shape, seed=3, dtype=np.uint16):
    pixels = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return (1000 * (pixels - pixels.min())).astype(dtype)


def in_groups(array, network, parameters, diameter, side):
    """Return the flows in groups, and their store."""
    pixels = NormalizedImage(source(array), parameters)
    pixels.look(Checkpoint())
    store = MemoryStore()
    flows = NetworkFlows(
        image=pixels,
        network=network,
        parameters=parameters,
        diameter=diameter,
        store=store,
        side=side,
        pixels=side * side,
    )
    for group in flows.groups:
        flows.run(group, QUIET)
    return flows, store


def at_once(array, t, network, parameters, diameter):
    together = parameters.do_3D
    stack = network_input(
        parameters.channels, array[t], parameters.normalization, together
    )
    run = flows_of_volume if together else flows_of_planes
    return run(network, stack, parameters, diameter, QUIET)


def assert_close(flows, part, box, dP, cellprob):
    found, probable = flows.read(part, box)
    scale = max(1.0, np.abs(dP).max(), np.abs(cellprob).max())
    np.testing.assert_allclose(found, dP, atol=3e-6 * scale)
    np.testing.assert_allclose(probable, cellprob, atol=3e-6 * scale)


@pytest.mark.parametrize(
    ("diameter", "options"),
    [
        (20.0, {}),
        pytest.param(31.0, {}, marks=pytest.mark.slow),
        pytest.param(13.0, {}, marks=pytest.mark.slow),
        (31.0, {"resample": False}),
        pytest.param(20.0, {"augment": True}, marks=pytest.mark.slow),
        (20.0, {"normalization": Normalization(invert=True, percentile=(5, 90))}),
        (20.0, {"normalization": Normalization(normalize=False)}),
    ],
)
def test_planes(unet, diameter, options):
    array = noise((2, 2, 2, 330, 410))
    parameters = SegmentationParameters(channels=(1, 2), **options)
    flows, _ = in_groups(array, unet, parameters, diameter, 150)
    assert len(flows.groups) > 8
    for t in range(2):
        expected = at_once(array, t, unet, parameters, diameter)
        y, x = flows.shape[1:]
        assert (y, x) == expected.cellprob.shape[1:]
        assert flows.scale == expected.scale
        for z in range(2):
            rows, columns = slice(y // 3, y - 5), slice(7, x // 2)
            assert_close(
                flows,
                2 * t + z,
                (slice(0, 1), rows, columns),
                expected.dP[:, z : z + 1, rows, columns],
                expected.cellprob[z : z + 1, rows, columns],
            )


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"flow3D_smooth": 1.5}, marks=pytest.mark.slow),
        pytest.param({"resample": False}, marks=pytest.mark.slow),
        {"anisotropy": 1.0},
    ],
)
def test_volumes(unet, options):
    array = noise((1, 1, 12, 90, 70))
    options = {"anisotropy": 2.0, **options}
    parameters = SegmentationParameters(channels=(1, None), do_3D=True, **options)
    flows, _ = in_groups(array, unet, parameters, 24.0, 40)
    expected = at_once(array, 0, unet, parameters, 24.0)
    z, y, x = flows.shape
    assert (z, y, x) == expected.cellprob.shape
    box = (slice(2, z), slice(5, y - 9), slice(0, x - 20))
    assert_close(
        flows, 0, box, expected.dP[(slice(None), *box)], expected.cellprob[box]
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.uint32])
def test_pixels_of_each_type_are_seen_alike(dtype):
    array = noise((1, 2, 3, 100, 90), dtype=np.float64)
    if dtype is np.uint8:
        array /= 40
    if dtype is np.uint32:
        array += 2**30
    array = array.astype(dtype)
    if array.dtype.kind == "f":
        array[0, 0, 1, 20:40, 30:50] = np.nan
    for channels in ((0, None), (2, 1)):
        for norm3d in (True, False):
            parameters = SegmentationParameters(channels=channels, do_3D=norm3d)
            pixels = NormalizedImage(source(array), parameters)
            pixels.look(Checkpoint())
            expected = network_input(
                channels, array[0], parameters.normalization, norm3d
            )
            box = (slice(0, 3), slice(10, 60), slice(20, 80))
            np.testing.assert_allclose(pixels.read(0, box), expected[box], atol=1e-6)


def test_percentiles_of_a_large_image_are_those_of_the_same_pixels():
    array = noise((1, 1, 1, 3500, 3400))
    parameters = SegmentationParameters(channels=(1,))
    pixels = NormalizedImage(source(array), parameters)
    pixels.look(Checkpoint())
    expected = network_input((1,), array[0], parameters.normalization, False)
    box = (slice(0, 1), slice(1000, 1200), slice(3000, 3400))
    np.testing.assert_array_equal(pixels.read(0, box), expected[box])


def test_blocks_that_show_nothing_are_left_out(unet):
    array = np.full((1, 1, 1, 900, 900), 100, np.uint16)
    array += np.random.default_rng(0).integers(0, 3, array.shape).astype(np.uint16)
    array[..., 600:, 600:] += noise((300, 300))
    parameters = SegmentationParameters(channels=(1, None))
    flows, store = in_groups(array, unet, parameters, 20.0, 300)
    boxes = [store.facts(group.key)["box"] for group in flows.groups]
    assert any(box is None for box in boxes)
    assert any(box is not None for box in boxes)
    assert flows.is_empty(0, (slice(0, 1), slice(0, 200), slice(0, 200)))
    dP, cellprob = flows.read(0, (slice(0, 1), slice(0, 50), slice(0, 50)))
    assert not dP.any()
    assert (cellprob == -10).all()


def test_dim_cells_beside_very_bright_debris_are_not_left_out():
    array = np.full((1, 1, 1, 900, 900), 100, np.uint16)
    # Saturated debris on 3 % of the image sets its contrast, hot pixels do not.
    array[..., :160, :160] = 65535
    array[..., 700:, 700:] += noise((200, 200))
    array[..., 300::200, 300::200] = 65535
    dim = np.ptp(array[..., 701:899, 701:899]) / (65535 - 100)
    assert 0.01 < dim < 0.03
    pixels = NormalizedImage(source(array), SegmentationParameters(channels=(1,)))
    pixels.look(Checkpoint())
    assert not pixels.is_empty(0, (slice(0, 1), slice(720, 900), slice(720, 900)))
    assert pixels.is_empty(0, (slice(0, 1), slice(320, 480), slice(320, 480)))


def test_of_pixels_as_they_are_only_constant_ones_are_left_out():
    array = np.full((1, 1, 1, 900, 900), 100, np.uint16)
    array[..., :160, :160] = 65535
    array[..., 700:, 700:] += 2
    raw = Normalization(normalize=False)
    pixels = NormalizedImage(
        source(array), SegmentationParameters(channels=(1,), normalization=raw)
    )
    pixels.look(Checkpoint())
    assert not pixels.is_empty(0, (slice(0, 1), slice(600, 900), slice(600, 900)))
    assert pixels.is_empty(0, (slice(0, 1), slice(320, 640), slice(320, 640)))

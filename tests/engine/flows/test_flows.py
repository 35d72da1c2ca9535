"""Our own loop over tiles against Cellpose's, on the same network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import NotEnoughMemory, ParametersUnfit
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.flows.compute import (
    concatenate_flows,
    count_tiles,
    flows_of_planes,
    flows_of_volume,
)
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.threads import torch_threads, use_threads

AS_SEEN = {"atol": 2e-5, "rtol": 1e-4}
"""The order of sums differs with the layout of the memory, and nothing else."""


class ForCellpose(nn.Module):
    """A U-Net as Cellpose 4 expects its networks: with styles of 256 numbers."""

    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return self.module(pixels)[0], torch.zeros(len(pixels), 256)


@pytest.fixture
def in_cellpose(unet):
    return ForCellpose(unet.module)


def cellposes_own(spec: ModelSpec) -> nn.Module:
    from cellpose.vit import CPSAM

    network = CPSAM()
    network.load_model(spec.path, torch.device("cpu"), strict=True)
    return network


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).random(shape, np.float32)


def quiet(total: int = 0) -> TileCounter:
    return TileCounter(Checkpoint(), total)


def outputs(flows) -> np.ndarray:
    return np.moveaxis(np.concatenate([flows.dP, flows.cellprob[None]]), 0, -1)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((1, 224, 224, 2), {}),
        ((1, 300, 231, 2), {"tile_overlap": 0.3}),
        ((3, 224, 250, 2), {"batch_size": 2}),
        ((1, 230, 260, 2), {"augment": True}),
    ],
)
def test_planes_give_cellposes_flows(unet, in_cellpose, shape, options):
    from cellpose.core import run_net

    stack = image(*shape)
    parameters = SegmentationParameters(**options)
    flows = flows_of_planes(unet, stack, parameters, 20.0, quiet())
    expected = run_net(in_cellpose, stack, bsize=224, **options)[0]
    np.testing.assert_allclose(outputs(flows), expected, **AS_SEEN)
    assert (flows.scale, flows.diameter, flows.frames) == (1.0, 20.0, 1)
    assert expected.std() > 0.01


@pytest.mark.parametrize("resample", [True, False])
def test_scaled_planes_give_cellposes_flows(unet, in_cellpose, resample):
    from cellpose.core import run_net
    from cellpose.transforms import resize_image

    stack = image(2, 190, 201, 2)
    parameters = SegmentationParameters(resample=resample)
    flows = flows_of_planes(unet, stack, parameters, 16.0, quiet())
    expected = run_net(in_cellpose, stack, bsize=224, rsz=20 / 16)[0]
    assert expected.shape == (2, 237, 251, 3)
    if resample:
        expected = resize_image(expected, 190, 201)
    np.testing.assert_allclose(outputs(flows), expected, **AS_SEEN)
    assert flows.scale == (1.25 if resample else 1.0)


@pytest.mark.parametrize(
    "shape", [(60, 100), (208, 208), (100, 300), (10, 20)], ids=str
)
def test_an_image_smaller_than_a_tile_runs_in_one_piece_as_in_cellpose_3(unet, shape):
    from cellpose.transforms import pad_image_ND

    stack = image(1, *shape, 2)
    flows = flows_of_planes(unet, stack, SegmentationParameters(), 20.0, quiet())
    padded, rows, columns = pad_image_ND(stack[0].transpose(2, 0, 1))
    if max(padded.shape[1:]) <= 224:
        expected = unet.run(padded[None])[0][:, rows[0] :, columns[0] :]
        expected = expected[:, : shape[0], : shape[1]].transpose(1, 2, 0)
        np.testing.assert_allclose(outputs(flows)[0], expected, **AS_SEEN)
    assert flows.cellprob.shape == (1, *shape)


@pytest.mark.parametrize("shape", [(60, 100), (208, 300), (300, 100)], ids=str)
def test_flipped_tiles_of_a_small_image_are_turned_back(unet, shape):
    """A network that knows no directions and no style gives the same with them."""
    for name, number in unet.module.state_dict().items():
        if number.ndim == 4 and number.shape[-1] == 3:
            number[:] = number * torch.eye(3)[1] * torch.eye(3)[:, 1:2]
        if ".full." in name:
            number[:] = 0
    stack = image(1, *shape, 2)
    once, averaged = (
        flows_of_planes(unet, stack, parameters, 20.0, quiet())
        for parameters in (
            SegmentationParameters(),
            SegmentationParameters(augment=True),
        )
    )
    np.testing.assert_allclose(averaged.cellprob, once.cellprob, **AS_SEEN)


@pytest.mark.parametrize("augment", [False, True])
def test_a_transformers_image_is_padded_to_a_tile(sam_spec, augment):
    from cellpose.core import run_net

    stack = image(2, 100, 250, 3)
    parameters = SegmentationParameters(augment=augment)
    network = load(sam_spec, CPU)
    flows = flows_of_planes(network, stack, parameters, 30.0, quiet())
    cellposes = cellposes_own(sam_spec)
    expected = run_net(cellposes, stack, bsize=256, augment=augment)[0]
    np.testing.assert_allclose(outputs(flows), expected, **AS_SEEN)


@pytest.mark.parametrize(("resample", "smooth"), [(True, 0.0), (False, 1.5)])
def test_volumes_give_cellposes_flows(sam_spec, resample, smooth):
    from cellpose.core import run_3D
    from cellpose.transforms import resize_image_3d
    from scipy.ndimage import gaussian_filter

    stack = image(2, 10, 14, 3)
    parameters = SegmentationParameters(
        do_3D=True, anisotropy=2.0, resample=resample, flow3D_smooth=smooth
    )
    network = load(sam_spec, CPU)
    flows = flows_of_volume(network, stack, parameters, 24.0, quiet())
    seen = resize_image_3d(stack, (5, 12, 17))
    expected = run_3D(cellposes_own(sam_spec), seen, bsize=256)[0]
    if resample:
        expected = resize_image_3d(expected, (2, 10, 14))
    if smooth:
        expected[..., :3] = gaussian_filter(expected[..., :3], [smooth] * 3 + [0])
    assert flows.volumetric
    assert flows.cellprob.shape == expected.shape[:3]
    assert flows.scale == (1.25 if resample else 1.0)
    np.testing.assert_allclose(outputs(flows), expected, **AS_SEEN)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((1, 60, 100), {}),
        ((1, 500, 300), {"augment": True}),
        ((4, 230, 100), {"batch_size": 3}),
        ((3, 20, 30), {"do_3D": True, "anisotropy": 2.0}),
        ((1, 900, 20), {"tile_overlap": 0.4}),
    ],
)
def test_the_count_of_tiles_rises_to_exactly_its_total(unet, shape, options):
    parameters = SegmentationParameters(**options)
    total = count_tiles(shape, unet, parameters, 20 / 18)
    reports = []
    counter = TileCounter(Checkpoint(lambda *r: reports.append(r)), total)
    run = flows_of_volume if parameters.do_3D else flows_of_planes
    run(unet, image(*shape, 2), parameters, 18.0, counter)
    assert [done for done, _, _ in reports] == list(range(1, total + 1))
    assert all(report[1:] == (total, "tile") for report in reports)


def test_a_stop_leaves_at_the_next_tile(unet):
    def report(done: int, total: int, what: str) -> None:
        if done == 2:
            checkpoint.stop()

    checkpoint = Checkpoint(report)
    counter = TileCounter(checkpoint, 9)
    ran = []
    unet.blocks[1].register_forward_pre_hook(lambda *_: ran.append(1))
    with pytest.raises(Cancelled):
        flows_of_planes(
            unet, image(1, 400, 400, 2), SegmentationParameters(), 20.0, counter
        )
    # The other threads have begun their next tiles.
    assert len(ran) <= 2 + torch_threads()


def test_the_number_of_threads_changes_no_bit(unet):
    stack = image(1, 500, 300, 2)
    before = torch_threads()
    found = []
    try:
        for threads in (1, 3):
            use_threads(threads)
            found.append(
                flows_of_planes(unet, stack, SegmentationParameters(), 20.0, quiet())
            )
            assert torch_threads() == threads
            assert new_thread_has() == threads
    finally:
        use_threads(before)
    np.testing.assert_array_equal(*map(outputs, found))
    shared = flows_of_planes(
        replace(unet, engine="shared-tiles"),
        stack,
        SegmentationParameters(),
        20.0,
        quiet(),
    )
    np.testing.assert_allclose(outputs(shared), outputs(found[0]), **AS_SEEN)


def new_thread_has() -> int:
    """Return the number of threads of torch in a thread that starts now."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch_threads).result()


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        ("DefaultCPUAllocator: can't allocate memory", NotEnoughMemory, "CPU has too"),
        ("mat1 and mat2 shapes cannot be multiplied", RuntimeError, "mat1 and mat2"),
    ],
)
def test_an_error_in_a_tile_leaves_the_run(unet, error, kind, said):
    def fail(module: nn.Module, arguments: tuple[Tensor]) -> None:
        raise RuntimeError(error)

    unet.blocks[2].register_forward_pre_hook(fail)
    counter = TileCounter(Checkpoint(), 9)
    with pytest.raises(kind, match=said):
        flows_of_planes(
            unet, image(1, 400, 400, 2), SegmentationParameters(), 20.0, counter
        )


def test_time_points_are_joined_in_their_order(unet):
    stacks = [image(2, 30, 40, 2), 1 - image(2, 30, 40, 2)]
    parameters = SegmentationParameters()
    parts = [flows_of_planes(unet, s, parameters, 20.0, quiet()) for s in stacks]
    whole = concatenate_flows(parts)
    assert whole.frames == 2
    assert whole.cellprob.shape == (4, 30, 40)
    np.testing.assert_array_equal(whole.dP[:, 2:], parts[1].dP)
    np.testing.assert_array_equal(whole.cellprob[2:], parts[1].cellprob)
    assert concatenate_flows(parts[:1]) is parts[0]


@pytest.mark.parametrize("run", [flows_of_planes, flows_of_volume])
def test_an_image_of_which_nothing_is_left_is_refused(unet, run):
    parameters = SegmentationParameters(do_3D=run is flows_of_volume)
    with pytest.raises(ParametersUnfit, match="diameter is too large"):
        run(unet, image(4, 20, 20, 2), parameters, 900.0, quiet())


@pytest.mark.parametrize("run", [flows_of_planes, flows_of_volume])
def test_beside_a_gpu_planes_are_cut_and_joined_in_their_places(unet, run):
    # With this name of the processor, the code is that of a GPU.
    gpu = replace(unet, device=Device("cpu:0", "GPU"))
    stack = image(3, 60, 300, 2)
    parameters = SegmentationParameters(
        do_3D=run is flows_of_volume, anisotropy=2.0, batch_size=3
    )
    found = run(gpu, stack, parameters, 20.0, quiet())
    shared = replace(unet, engine="shared-tiles")
    expected = run(shared, stack, parameters, 20.0, quiet())
    np.testing.assert_allclose(outputs(found), outputs(expected), **AS_SEEN)


def test_an_error_beside_a_gpu_leaves_the_run(unet, monkeypatch):
    gpu = replace(unet, device=Device("cpu:0", "GPU"))
    stack = image(3, 60, 300, 2)
    stack[1] = np.nan

    class Refused(Exception):
        pass

    def refuse(module: nn.Module, arguments: tuple[Tensor]) -> None:
        if arguments[0].isnan().any():
            raise Refused

    unet.module.register_forward_pre_hook(refuse)
    parameters = SegmentationParameters(batch_size=1)
    with pytest.raises(Refused):
        flows_of_planes(gpu, stack, parameters, 20.0, quiet())


# Texts of torch 2 for the allocator, a driver, cuDNN, and an Apple GPU.
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.90 GB, other: 1 MB)."),
]


@pytest.mark.parametrize("full", FULL, ids=lambda error: str(error)[:12])
def test_where_memory_is_short_fewer_tiles_run_at_a_time(unet, full):
    # The processor runs one tile at a time anyway; torch takes "cpu:0" for it, too.
    gpu = replace(unet, device=Device("cpu:0", "Little GPU"))
    room, sizes = [3], []

    def with_little_memory(module: nn.Module, arguments: tuple[Tensor]) -> None:
        sizes.append(len(arguments[0]))
        if len(arguments[0]) > room[0]:
            raise full

    unet.module.register_forward_pre_hook(with_little_memory)
    stack = image(1, 400, 400, 2)
    parameters = SegmentationParameters(batch_size=8)
    flows = flows_of_planes(gpu, stack, parameters, 20.0, quiet())
    assert sizes == [8, 4, 2, 2, 2, 2, 1]
    # The next planes begin with what there was room for.
    sizes.clear()
    stack_flows = flows_of_planes(
        gpu, np.repeat(stack, 2, 0), parameters, 20.0, quiet()
    )
    assert sizes == [8, 4, 2, 2, 2, 2, 1, 2, 2, 2, 2, 1]
    np.testing.assert_array_equal(outputs(stack_flows)[1], outputs(flows)[0])
    room[0] = 9
    whole = flows_of_planes(gpu, stack, parameters, 20.0, quiet())
    np.testing.assert_allclose(outputs(flows), outputs(whole), **AS_SEEN)

    room[0] = 0
    with pytest.raises(NotEnoughMemory, match="Little GPU has too little memory"):
        flows_of_planes(gpu, stack, parameters, 20.0, quiet())

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.core.runs.region import Region
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.cache import flows
from cellpose_studio.io.cache.flows import (
    NETWORK_PARAMETERS,
    OTHER_PARAMETERS,
    VOLUME_PARAMETERS,
    FlowCache,
    flow_key,
)
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.recompute import LazyMaskMaker
from cellpose_studio.workflows.segment import segment

PLENTY = 10**9
NETWORKS = NetworkCache()

COUNTED = {
    "channels": (2, None),
    "diameter": 50.0,
    "normalization": Normalization(percentile=(5.0, 95.0)),
    "preparation": (SubtractBackground(radius=9),),
    "resample": False,
    "augment": True,
    "tile_overlap": 0.4,
    "region": Region(points=((0, 0), (9, 9))),
}
IN_VOLUMES = {"anisotropy": 4.0, "flow3D_smooth": 1.0, "postprocessing": "clean"}
NOT_COUNTED = {
    "flow_threshold": 0.1,
    "cellprob_threshold": 1.0,
    "min_size": 100,
    "niter": 20,
    "max_size_fraction": 0.1,
    "exclude_on_edges": True,
    "batch_size": 1,
}


def flows_of(shape=(2, 1, 5, 4), frames=1, seed=0):
    random = np.random.default_rng(seed)
    field = random.normal(size=shape).astype(np.float32)
    probability = random.normal(size=shape[1:]).astype(np.float32)
    return Flows(
        dP=field, cellprob=probability, scale=0.5 + seed, diameter=30.0, frames=frames
    )


def assert_same(one, other):
    for name in ("dP", "cellprob"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype == np.float32
        np.testing.assert_array_equal(a, b)
    for name in ("scale", "diameter", "frames"):
        assert getattr(one, name) == getattr(other, name)


def key_of(base=None, **changes):
    parameters = SegmentationParameters(
        **{"channels": (1, None), "diameter": 40.0, "anisotropy": 1.0, **changes}
    )
    return flow_key("image", "", "model", parameters, "float32")


def kept(cache, keys):
    return [key for key in keys if cache.get(key) is not None]


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def cache(tmp_path):
    return FlowCache(tmp_path / "flows", PLENTY)


shapes = st.tuples(st.sampled_from([2, 3]), *[st.integers(0, 5)] * 3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shapes.flatmap(
        lambda shape: st.builds(
            Flows,
            dP=hnp.arrays(np.float32, shape),
            cellprob=hnp.arrays(np.float32, shape[1:]),
            scale=st.floats(0.01, 100),
            diameter=st.floats(0.1, 5000),
            frames=st.integers(1, 1000),
        )
    )
)
def test_flows_come_back_as_they_were(cache, flows):
    cache.put("a", flows)
    assert_same(cache.get("a"), flows)


def test_flows_that_do_not_lie_in_order_are_kept_too(cache):
    flows = flows_of((2, 3, 5, 4))
    turned = Flows(
        dP=flows.dP[:, ::-1, :, ::2],
        cellprob=flows.cellprob[::-1, :, ::2],
        scale=1.0,
        diameter=9.0,
    )
    cache.put("a", turned)
    assert_same(cache.get("a"), turned)


def test_there_is_nothing_before_something_was_kept(cache):
    assert cache.get("a") is None


def test_the_same_key_holds_what_came_last(cache):
    cache.put("a", flows_of())
    cache.put("a", flows_of(seed=1))
    assert_same(cache.get("a"), flows_of(seed=1))


def test_another_process_finds_what_was_kept(cache, tmp_path):
    cache.put("a", flows_of())
    assert_same(FlowCache(tmp_path / "flows", PLENTY).get("a"), flows_of())


def test_what_was_used_longest_ago_goes_first(cache, tmp_path):
    folder = tmp_path / "flows"
    for age, key in enumerate("dcba"):
        cache.put(key, flows_of())
        os.utime(folder / f"{key}.flows", (1000 - age, 1000 - age))
    size = (folder / "a.flows").stat().st_size
    assert cache.get("a") is not None
    FlowCache(folder, 3 * size).put("e", flows_of())
    assert kept(cache, "abcde") == ["a", "d", "e"]


def test_the_newest_stays_even_if_it_is_too_large(tmp_path):
    small = FlowCache(tmp_path, 10)
    for key in "ab":
        small.put(key, flows_of())
    assert kept(small, "ab") == ["b"]


def test_a_half_written_file_is_left_to_its_writer_for_a_day(cache, tmp_path):
    cache.put("a", flows_of())
    fresh, old = (tmp_path / "flows" / f".saving-{n}.flows" for n in (1, 2))
    for path in (fresh, old):
        path.write_bytes(b"half")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    cache.put("b", flows_of())
    assert files_in(tmp_path / "flows") == [fresh.name, "a.flows", "b.flows"]


def test_a_file_that_was_cut_anywhere_is_removed(cache, tmp_path):
    path = tmp_path / "flows" / "a.flows"
    cache.put("a", flows_of((2, 1, 2, 3)))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert cache.get("a") is None
        assert not path.exists()
    path.write_bytes(whole + b"\0")
    assert cache.get("a") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_with_a_wrong_bit_is_removed(cache, tmp_path, data):
    path = tmp_path / "flows" / "a.flows"
    cache.put("a", flows_of((2, 1, 2, 3)))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    path.write_bytes(content)
    assert cache.get("a") is None
    assert not path.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_is_no_failure(cache, tmp_path, monkeypatch, number):
    cache.put("a", flows_of())

    def fail(file, flows):
        file.write(b"half")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(flows, "write_flows", fail)
    cache.put("b", flows_of())
    assert kept(cache, "ab") == ["a"]
    assert files_in(tmp_path / "flows") == ["a.flows"]


def test_a_folder_that_cannot_be_made_is_no_failure(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    cache = FlowCache(tmp_path / "file" / "flows", PLENTY)
    cache.put("a", flows_of())
    assert cache.get("a") is None


def test_a_computer_without_the_memory_keeps_the_file(cache, tmp_path, monkeypatch):
    def fail(file):
        raise MemoryError

    cache.put("a", flows_of())
    with monkeypatch.context() as patched:
        patched.setattr(flows, "read_flows", fail)
        assert cache.get("a") is None
    assert cache.get("a") is not None


def test_processes_that_share_a_folder_do_each_other_no_harm(tmp_path):
    program = f"""
import sys
from pathlib import Path
import numpy as np
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.cache.flows import FlowCache
random = np.random.default_rng(int(sys.argv[1]))
cache = FlowCache(Path({str(tmp_path)!r}), 300_000)
for _ in range(100):
    key = int(random.integers(8))
    flows = cache.get(str(key))
    assert flows is None or (flows.dP == key).all() and flows.scale == 1 + key
    field = np.full((2, 1, 64, 64), key, np.float32)
    flows = Flows(dP=field, cellprob=field[0], scale=1.0 + key, diameter=30.0)
    cache.put(str(key), flows)
"""
    command = [sys.executable, "-c", program]
    running = [subprocess.Popen([*command, str(seed)]) for seed in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert 0 < sum(sizes) <= 300_000 + 2 * max(sizes)


def test_every_parameter_is_on_one_side():
    sides = [NETWORK_PARAMETERS, VOLUME_PARAMETERS, OTHER_PARAMETERS]
    assert sorted(name for side in sides for name in side) == sorted(
        SegmentationParameters.model_fields
    )


def test_every_side_is_tried_out():
    assert {*COUNTED, "do_3D"} == NETWORK_PARAMETERS
    assert set(IN_VOLUMES) == VOLUME_PARAMETERS
    assert {*NOT_COUNTED, "stitch_threshold"} == OTHER_PARAMETERS


@pytest.mark.parametrize("do_3D", [False, True])
def test_the_key_is_that_of_the_network_half(do_3D):
    base = key_of(do_3D=do_3D)
    for changes, counts in (
        (COUNTED, True),
        (IN_VOLUMES, do_3D),
        (NOT_COUNTED, False),
        ({"stitch_threshold": 0.5}, not do_3D),
    ):
        for name, value in changes.items():
            assert (key_of(do_3D=do_3D, **{name: value}) != base) is counts, name
    assert key_of(do_3D=not do_3D) != base


def test_joined_planes_count_only_as_far_as_they_are_normalised_together():
    apart = Normalization(norm3D=False)
    joined = key_of(stitch_threshold=0.5)
    assert joined == key_of(stitch_threshold=0.1) != key_of()
    assert key_of(stitch_threshold=0.5, normalization=apart) == key_of()
    assert key_of(normalization=apart) == key_of()


def test_image_model_and_precision_count():
    given = ["image", "scene", "model", SegmentationParameters(), "float32", "ZYX"]
    keys = {flow_key(*given)}
    for place in (0, 1, 2, 4, 5):
        other = [*given]
        other[place] += "x"
        keys.add(flow_key(*other))
    moved = ["images", "cene", *given[2:]]
    keys.add(flow_key(*moved))
    assert len(keys) == 7
    assert all(len(key) == 64 for key in keys)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function that runs a stack of two channels that get darker."""
    import tifffile

    random = np.random.default_rng(0)
    z, c, y, x = np.indices((3, 2, 32, 36))
    bright = 2000 / (1 + np.exp(np.hypot(y % 32 - 16, x % 36 - 16 + 2 * c) - 9))
    pixels = random.poisson((100 + bright) / (1 + z)).astype(np.uint16)
    path = tmp_path_factory.mktemp("stack") / "a.tif"
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZCYX"})
    [image] = open_images(path)

    def run(**changes):
        given = {"channels": (1, None), "diameter": 40.0, "anisotropy": 1.0, **changes}
        parameters = SegmentationParameters(**given)
        return segment(image, shipped()[0], parameters, Checkpoint(), networks=NETWORKS)

    return run


def key_of_run(result):
    return flow_key(
        result.image.fingerprint,
        result.image.scene,
        result.model.sha256,
        result.parameters,
        result.precision,
    )


APART = {"normalization": Normalization(norm3D=False)}
ON_STACKS = [
    *({name: value} for name, value in IN_VOLUMES.items()),
    {"stitch_threshold": 0.5},
    {"stitch_threshold": 0.5, **APART},
    APART,
]
# The stack is a single tile, however much tiles overlap, and within the margin of a
# region.
ON_PLANES = [
    {name: value}
    for name, value in {**COUNTED, **NOT_COUNTED}.items()
    if name not in ("tile_overlap", "region")
]


@pytest.mark.parametrize(
    ("do_3D", "changes"), [(False, [*ON_PLANES, *ON_STACKS]), (True, ON_STACKS)]
)
def test_runs_share_a_key_if_and_only_if_their_flows_are_equal(run, do_3D, changes):
    base = run(do_3D=do_3D)
    for change in changes:
        other = run(do_3D=do_3D, **change)
        same = np.array_equal(base.flows.dP, other.flows.dP)
        assert (key_of_run(base) == key_of_run(other)) is same, change


def test_kept_flows_give_the_masks_of_the_run(run, cache):
    result = run()
    cache.put(key_of_run(result), result.flows)
    maker = LazyMaskMaker(cache.get(key_of_run(result)), result.labels.shape)
    masks = maker.masks(result.parameters, Checkpoint())
    np.testing.assert_array_equal(masks, result.labels)


def test_one_cell_of_a_region_has_the_flows_of_all_of_them():
    region = Region(points=((0, 0), (9, 9)))
    cell = region.model_copy(update={"cell_at": (4.0, 4.0), "cellprob": -1.0})
    assert key_of(region=cell) == key_of(region=region)
    other = region.model_copy(update={"contrast": "region"})
    assert key_of(region=other) != key_of(region=region)

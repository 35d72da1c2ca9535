from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.io.masks.seg_npy import read_seg, write_seg
from tests.images import image_of


def discs(shape: tuple[int, ...] = (60, 70)) -> np.ndarray:
    """Labels 1 to 3 of round cells, the same in all planes; 2 touches the border."""
    plane = np.zeros(shape[-2:], np.uint8)
    for cell, place in enumerate([(15, 15), (45, 0), (50, 45)], start=1):
        cv2.circle(plane, place, 9, cell, -1)
    return np.broadcast_to(plane, shape).astype(np.uint16)


def flows_of(labels: np.ndarray, axes: int = 2, scale: int = 1) -> Flows:
    """Flows of the shape that labels need, ``scale`` times smaller."""
    *planes, height, width = labels.shape
    shape = (*(planes or [1]), height // scale, width // scale)
    random = np.random.default_rng(0)
    field = random.normal(size=(axes, *shape)).astype(np.float32)
    probability = random.normal(size=shape).astype(np.float32)
    return Flows(dP=field, cellprob=probability, scale=1.0, diameter=30.0)


def true_flows(labels: np.ndarray) -> Flows:
    """Flows that lead to a plane of labels."""
    from cellpose.dynamics import labels_to_flows

    field = labels_to_flows([labels])[0][-2:].astype(np.float32) * 5
    probability = np.where(labels > 0, 6, -6).astype(np.float32)
    return Flows(
        dP=field[:, None], cellprob=probability[None], scale=1.0, diameter=30.0
    )


def same_flows(one: Flows | None, field: np.ndarray, probability: np.ndarray) -> bool:
    return (
        one is not None
        and np.array_equal(one.dP, field)
        and np.array_equal(one.cellprob, probability)
    )


def stored(path: Path) -> dict[str, object]:
    """Read a file as Cellpose does."""
    return np.load(path, allow_pickle=True).item()


def save(path: Path, content: dict[str, object]) -> Path:
    """Write a file as Cellpose does."""
    np.save(path, content)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a_seg.npy"


IMAGE = Path("plate") / "a.tif"

shapes = st.one_of(*(st.tuples(*[st.integers(2, 7)] * n) for n in (2, 3)))


@given(labels=hnp.arrays(np.uint16, shapes, elements=st.integers(0, 4)))
def test_masks_and_flows_come_back(tmp_path_factory, labels):
    masks = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    masks = masks.astype(np.uint16)
    path = tmp_path_factory.mktemp("seg") / "a_seg.npy"
    flows = flows_of(masks, axes=labels.ndim)
    write_seg(path, masks, flows, IMAGE, {})
    read = read_seg(path)
    np.testing.assert_array_equal(read.labels, masks)
    assert same_flows(read.flows, flows.dP, flows.cellprob)


def test_settings_come_back(path):
    settings = {
        "flow_threshold": 0.7,
        "cellprob_threshold": -1.5,
        "diameter": 42.5,
        "model_path": Path("models") / "cyto3",
        "niter": None,
        "channels": (1, None),
        "normalize_params": {"percentile": (2.0, 98.0), "norm3D": False},
        "ismanual": np.array([True, False, True]),
        "manual_changes": [["01/02/2026, 03:04:05", "added mask", [[1, 2], [3, 4]]]],
    }
    write_seg(path, discs(), None, IMAGE, settings)
    details = read_seg(path).details
    assert details["model_path"] == str(Path("models") / "cyto3")
    assert details["channels"] == [1, None]
    assert details["normalize_params"]["percentile"] == [2.0, 98.0]
    assert details["normalize_params"]["norm3D"] is False
    assert details["ismanual"].tolist() == [True, False, True]
    for name in ("flow_threshold", "cellprob_threshold", "diameter", "niter"):
        assert details[name] == settings[name]
    assert details["manual_changes"] == settings["manual_changes"]
    assert details["filename"] == str(IMAGE)


def test_a_list_for_other_cells_does_not_count(path):
    write_seg(path, discs(), None, IMAGE, {"ismanual": [True], "colors": [[1, 2, 3]]})
    content = stored(path)
    assert content["ismanual"].tolist() == [False] * 3
    assert content["colors"].shape == (3, 3)


def test_flows_at_the_size_of_the_network_are_stretched(path, cellpose_io):
    from cellpose.transforms import resize_image

    labels = discs()
    flows = flows_of(labels, scale=2)
    write_seg(path, labels, flows, IMAGE, {})
    read = read_seg(path).flows
    expected = resize_image(np.moveaxis(flows.dP[:, 0], 0, -1), 60, 70)
    np.testing.assert_allclose(np.moveaxis(read.dP[:, 0], 0, -1), expected, atol=1e-5)
    assert read.cellprob.shape == (1, 60, 70)


def test_a_volume_at_the_size_of_the_network_is_stretched(path):
    labels = discs((6, 60, 70))
    small = Flows(
        dP=np.ones((3, 12, 30, 35), np.float32),
        cellprob=np.ones((12, 30, 35), np.float32),
        scale=1,
        diameter=30,
    )
    write_seg(path, labels, small, IMAGE, {})
    flows = read_seg(path).flows
    assert same_flows(flows, np.ones((3, *labels.shape)), np.ones(labels.shape))


def test_files_are_written_with_what_cellposes_own_pickle_has(path):
    write_seg(path, discs(), flows_of(discs()), IMAGE, {})
    content = stored(path)
    assert content["masks"].dtype == content["outlines"].dtype == np.uint16
    types = {type(value).__module__.partition(".")[0] for value in content.values()}
    assert types <= {"builtins", "numpy"}


def test_outlines_are_those_of_cellpose(path, cellpose_io):
    from cellpose.utils import masks_to_outlines

    labels = discs()
    write_seg(path, labels, None, IMAGE, {})
    expected = labels * masks_to_outlines(labels)
    np.testing.assert_array_equal(stored(path)["outlines"], expected)


def test_pictures_of_flows_are_those_of_cellpose(path, cellpose_io):
    from cellpose.plot import dx_to_circ
    from cellpose.transforms import normalize99

    flows = flows_of(discs())
    write_seg(path, discs(), flows, IMAGE, {})
    colours, grey = stored(path)["flows"][:2]
    expected = dx_to_circ(flows.dP[:, 0])
    np.testing.assert_allclose(colours[0].astype(int), expected, atol=2)
    expected = np.clip(normalize99(flows.cellprob[0]), 0, 1) * 255
    np.testing.assert_allclose(grey[0], expected, atol=1)


@pytest.mark.parametrize("axes", [2, 3])
def test_files_of_the_command_line_are_read(tmp_path, cellpose_io, axes):
    labels = discs((5, 60, 70)) if axes == 3 else discs()
    flows = flows_of(labels, axes)
    parts = [flows.dP, flows.cellprob]
    field, probability = parts if axes == 3 else (part.squeeze() for part in parts)
    picture = np.zeros((*labels.shape, 3), np.uint8)
    name = str(tmp_path / "a.tif")
    cellpose_io.masks_flows_to_seg(labels, labels, [picture, field, probability], name)
    read = read_masks(tmp_path / "a_seg.npy")
    np.testing.assert_array_equal(read.labels, labels)
    assert same_flows(read.flows, flows.dP, flows.cellprob)
    assert "diameter" not in read.details
    assert read.details["filename"] == name


def test_joined_planes_of_the_command_line_are_read(tmp_path, cellpose_io):
    labels = discs((5, 60, 70))
    flows = flows_of(labels)
    picture = np.zeros((*labels.shape, 3), np.uint8)
    cellpose_io.masks_flows_to_seg(
        labels, labels, [picture, flows.dP, flows.cellprob], str(tmp_path / "a.tif")
    )
    read = read_masks(tmp_path / "a_seg.npy")
    assert same_flows(read.flows, flows.dP, flows.cellprob)


def test_flows_that_the_command_line_left_small_are_stretched(tmp_path, cellpose_io):
    labels = discs()
    flows = flows_of(labels, scale=2)
    small = [np.zeros((30, 35, 3), np.uint8), flows.dP[:, 0], flows.cellprob[0]]
    cellpose_io.masks_flows_to_seg(labels, labels, small, str(tmp_path / "a.tif"))
    read = read_masks(tmp_path / "a_seg.npy").flows
    assert read.dP.shape == (2, 1, 60, 70)
    assert read.cellprob.shape == (1, 60, 70)


def test_empty_masks_of_the_command_line_are_read(tmp_path, cellpose_io):
    labels = discs() * 0
    flows = flows_of(labels)
    parts = [np.zeros((60, 70, 3), np.uint8), flows.dP[:, 0], flows.cellprob[0]]
    cellpose_io.masks_flows_to_seg(labels, labels, parts, str(tmp_path / "a.tif"))
    read = read_masks(tmp_path / "a_seg.npy")
    assert not read.labels.any()


PICTURE = np.zeros((1, 60, 70, 3), np.uint8)
GREY = np.zeros((1, 60, 70), np.uint8)
FLOWS = flows_of(discs())
VOLUME = flows_of(discs((5, 60, 70)), axes=3)
BOTH = np.concatenate([FLOWS.dP[:, 0], FLOWS.cellprob])

LAYOUTS = {
    "4.2": ([PICTURE, GREY, FLOWS.dP[:, 0][None], FLOWS.cellprob], FLOWS),
    "4.2, stack": (
        [PICTURE, GREY, VOLUME.dP, VOLUME.cellprob, np.zeros((5, 60, 70), "u1")],
        VOLUME,
    ),
    "3.0": ([PICTURE, GREY], None),
    "3.0, stack": ([PICTURE, GREY, np.zeros((5, 60, 70), np.uint8)], None),
    "2.0": ([PICTURE, GREY, PICTURE, np.zeros((2, 60, 70), np.float32), BOTH], FLOWS),
    "2.0, one plane deep": ([PICTURE, GREY, PICTURE, [], BOTH[:, None]], None),
    "nothing": ([[], [], [], [], [[]]], None),
    "not even a list": (None, None),
    "another size in depth": ([PICTURE, GREY, VOLUME.dP[:, :2], VOLUME.cellprob], None),
    "not numbers": ([PICTURE, GREY, FLOWS.dP[:, 0] * np.nan, FLOWS.cellprob[0]], None),
}


@pytest.mark.parametrize("layout", LAYOUTS.keys())
def test_flows_of_all_windows_are_found(path, layout):
    flows, expected = LAYOUTS[layout]
    labels = discs((5, 60, 70)) if "stack" in layout or "depth" in layout else discs()
    content = {"masks": labels, "outlines": labels, "flows": flows, "filename": "a"}
    read = read_seg(save(path, content))
    np.testing.assert_array_equal(read.labels, labels)
    if expected is None:
        assert read.flows is None
    else:
        assert same_flows(read.flows, expected.dP, expected.cellprob)


@pytest.mark.parametrize(
    ("said", "diameter"),
    [
        ({"est_diam": 17.0}, 17.0),
        ({"diameter": np.float64(60)}, 60.0),
        ({"diameter": np.array([15.0])}, 15.0),
        ({"diameter": np.nan, "est_diam": 20}, 20.0),
        ({"diameter": None}, None),
        ({"diameter": 0}, None),
        ({"diameter": [[1], [2, 3]]}, None),
    ],
)
def test_the_diameter_is_found_and_sets_the_scale_of_the_flows(path, said, diameter):
    content = {"masks": discs(), "flows": LAYOUTS["2.0"][0], **said}
    read = read_seg(save(path, content))
    assert read.details.get("diameter") == diameter
    assert "est_diam" not in read.details
    assert read.flows.diameter == (diameter or 30.0)
    assert read.flows.scale == 30.0 / (diameter or 30.0)


def test_pixels_are_not_kept_twice(path):
    content = {"masks": discs(), "img": np.zeros((60, 70, 3)), "img_restore": PICTURE}
    assert read_seg(save(path, content)).details == {}


def test_masks_that_start_at_minus_one_are_shifted(path):
    labels = discs().astype(np.int32) - 1
    read = read_seg(save(path, {"masks": labels, "outlines": labels}))
    np.testing.assert_array_equal(read.labels, discs())


def test_one_plane_with_a_third_axis_is_a_plane(path):
    read = read_seg(save(path, {"masks": discs()[None], "flows": LAYOUTS["4.2"][0]}))
    assert read.labels.shape == (60, 70)
    assert same_flows(read.flows, FLOWS.dP, FLOWS.cellprob)


def stroke(plane: int, *corners: tuple[int, int]) -> list[np.ndarray]:
    """A stroke as it was drawn: an array (1, 4) for each point, of z, y, x and more."""
    return [np.array([[plane, y, x, 0]]) for y, x in corners]


SQUARE = [(2, 3), (2, 8), (6, 8), (6, 3)]
STROKES = [[stroke(0, *SQUARE)], [stroke(0, (10, 1), (10, 4), (12, 4), (12, 1))]]


def drawn_squares() -> np.ndarray:
    labels = np.zeros((20, 30), int)
    labels[2:7, 3:9] = 2
    labels[10:13, 1:5] = 1
    return labels


@pytest.mark.parametrize(
    "size",
    [
        {"img": np.zeros((20, 30, 3))},
        {"img": np.zeros((20, 30))},
        {"flows": [np.zeros((1, 20, 30, 3)), np.zeros((1, 20, 30))]},
    ],
)
def test_strokes_are_filled_from_the_last_on(path, size):
    read = read_seg(save(path, {"outlines": STROKES, **size}))
    np.testing.assert_array_equal(read.labels, drawn_squares())


def test_strokes_on_several_planes_are_one_cell(path):
    cell = [stroke(0, *SQUARE), stroke(2, *SQUARE)]
    image = np.zeros((4, 20, 30, 3))
    labels = read_seg(save(path, {"outlines": [cell], "img": image})).labels
    assert labels.shape == (4, 20, 30)
    assert [plane.sum() for plane in labels] == [30, 0, 30, 0]


def test_strokes_do_not_cover_each_other_or_leave_the_image(path):
    large = [stroke(0, (-50, -50), (-50, 90), (90, 90), (90, -50))]
    image = np.zeros((20, 30))
    labels = read_seg(
        save(path, {"outlines": [large, STROKES[0]], "img": image})
    ).labels
    assert (labels == 1).sum() == 30
    assert (labels == 2).sum() == 20 * 30 - 30


@pytest.mark.parametrize(
    "outlines",
    [
        [[[np.zeros(3)]]],
        [[["a", "b", "c", "d"]]],
        [[[np.full(4, np.inf)]]],
        [[[np.full(4, 1e9)]]],
        [5],
        [[5]],
    ],
)
def test_strange_strokes_are_refused(path, outlines):
    save(path, {"outlines": outlines, "img": np.zeros((20, 30))})
    with pytest.raises(MasksUnreadable, match="has outlines in an unknown form"):
        read_seg(path)


@pytest.mark.parametrize("more", [{}, {"flows": [[], []]}, {"img": [1, 2]}])
def test_strokes_without_the_size_of_the_image_are_refused(path, more):
    save(path, {"outlines": STROKES, **more})
    with pytest.raises(MasksUnreadable, match="without the size of the image"):
        read_seg(path)


@pytest.mark.parametrize(
    "content", [{}, {"masks": None}, {"masks": 3}, {"masks": [[1]], "outlines": 5}]
)
def test_a_result_without_masks_is_refused(path, content):
    with pytest.raises(MasksUnreadable, match=r"a_seg\.npy contains no masks"):
        read_seg(save(path, content))


@pytest.mark.parametrize(
    ("masks", "reason"),
    [
        (discs() / 2, "whole numbers"),
        (discs().astype(int) - 5, "negative"),
        (np.zeros((2, 2, 2, 5, 5)), "shape"),
        (np.full((3, 3), "a"), "type"),
    ],
)
def test_masks_that_are_no_labels_are_refused(path, masks, reason):
    with pytest.raises(MasksUnreadable, match=f"is not a label image: .*{reason}"):
        read_seg(save(path, {"masks": masks}))


@pytest.fixture(scope="module")
def in_cellposes_window(tmp_path_factory, cellpose_io):
    """What Cellpose's window has after it has opened images with files of ours."""
    folder = tmp_path_factory.mktemp("gui")
    (folder / ".cellpose").mkdir()
    series = discs((4, 60, 70)).astype(np.uint32)
    gaps = discs().astype(np.uint32) * 7
    saved = {
        "plane": (gaps, true_flows(discs()), (1, 1, 1, 60, 70)),
        "small": (gaps, flows_of(discs(), scale=2), (1, 1, 1, 60, 70)),
        "empty": (gaps * 0, None, (1, 1, 1, 60, 70)),
        "volume": (series, flows_of(series, axes=3), (1, 1, 4, 60, 70)),
        "series": (series, flows_of(series), (4, 1, 1, 60, 70)),
    }
    # A key that Cellpose does not know, at which its window would stop.
    settings = {"normalize_params": {"percentile": (2.0, 98.0), "unknown": 1}}
    arguments = []
    for name, (labels, flows, shape) in saved.items():
        path = folder / f"{name}.tif"
        pixels = np.arange(labels.size, dtype=np.uint32).reshape(labels.shape)
        tifffile.imwrite(path, pixels, photometric="minisblack")
        image = image_of(shape, path=path)
        save_all(folder / name, labels, flows, ["npy"], image=image, settings=settings)
        arguments.append(("3D:" if labels.ndim > 2 else "") + str(path))
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("cellpose_gui.py")), *arguments],
        env={**os.environ, "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = dict(zip(saved, json.loads(ran.stdout), strict=True))
    return folder, found


@pytest.mark.slow
def test_cellposes_window_shows_our_masks(in_cellposes_window):
    _, found = in_cellposes_window
    assert all(image["loaded"] for image in found.values())
    for name in ("plane", "small"):
        np.testing.assert_array_equal(found[name]["masks"], discs()[None])
        assert found[name]["manual"] == [False] * 3
        assert np.shape(found[name]["colours"]) == (3, 3)
    for name in ("volume", "series"):
        np.testing.assert_array_equal(found[name]["masks"], discs((4, 60, 70)))
    assert (found["empty"]["cells"], found["plane"]["cells"]) == (0, 3)
    assert not np.any(found["empty"]["masks"])


@pytest.mark.slow
def test_cellposes_window_makes_masks_from_our_flows(in_cellposes_window):
    _, found = in_cellposes_window
    assert found["plane"]["retunable"]
    np.testing.assert_array_equal(np.array(found["plane"]["retuned"]) > 0, discs() > 0)
    assert len(np.unique(found["plane"]["retuned"])) == 4
    assert np.shape(found["small"]["retuned"]) == (60, 70)
    assert not found["empty"]["retunable"]


@pytest.mark.slow
def test_what_cellposes_window_saves_again_is_read(in_cellposes_window):
    folder, found = in_cellposes_window
    for name in found:
        read = read_masks(folder / f"{name}_seg.npy")
        expected = np.array(found[name]["masks"]).squeeze()
        np.testing.assert_array_equal(read.labels, expected)
        assert (read.flows is None) == (name == "empty")
        # Cellpose's keys, which show that it was the last to write.
        assert "channels" not in read.details
    again = read_masks(folder / "plane_seg.npy").flows
    true = true_flows(discs())
    assert same_flows(again, true.dP, true.cellprob)

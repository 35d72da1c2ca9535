"""Tracks for other programs: the Cell Tracking Challenge and TrackMate."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
import tifffile
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.masks.lineage import Track, frames_of_cells, tracks_of_cells
from tests.io.masks.exchange.conftest import masks_and_axes
from tests.io.masks.exchange.ctc_rules import faults_in_ctc

TIMES = masks_and_axes(("TYX", "TZYX"))


@pytest.fixture
def film():
    """Cell 1 divides into 2 and 3 after frame 1; 7 is missing in frame 2."""
    labels = np.zeros((5, 12, 20), np.uint32)
    labels[:2, 2:6, 2:6] = 1
    labels[2:, 1:4, 2:6] = 2
    labels[2:, 6:9, 2:6] = 3
    labels[[0, 1, 3, 4], 4:9, 12:17] = 7
    labels[:, 6, 14] = 0
    return labels


FAMILY = {2: 1, 3: 1}


def rows(path):
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()]


def test_a_gap_is_two_tracks_linked_by_parent(film):
    assert tracks_of_cells(frames_of_cells(film), FAMILY) == [
        Track(number=1, cell=1, begin=0, end=1, parent=0),
        Track(number=2, cell=2, begin=2, end=4, parent=1),
        Track(number=3, cell=3, begin=2, end=4, parent=1),
        Track(number=7, cell=7, begin=0, end=1, parent=0),
        Track(number=8, cell=7, begin=3, end=4, parent=7),
    ]


@pytest.mark.parametrize(
    ("kind", "inner", "stem", "table"),
    [
        ("ctc", "", "mask", "res_track.txt"),
        ("ctc-truth", "TRA", "man_track", "man_track.txt"),
    ],
)
def test_the_tracking_challenge_gets_a_valid_folder(
    exported, film, kind, inner, stem, table
):
    folder = exported(film, "TYX", kind, parents=FAMILY) / inner
    names = [f"{stem}{t:03}.tif" for t in range(5)]
    assert sorted(p.name for p in folder.iterdir()) == sorted([*names, table])
    assert rows(folder / table) == [
        (1, 0, 1, 0),
        (2, 2, 4, 1),
        (3, 2, 4, 1),
        (7, 0, 1, 0),
        (8, 3, 4, 7),
    ]
    frames = np.stack([tifffile.imread(folder / name) for name in names])
    assert frames.dtype == np.uint16
    expected = film.copy()
    expected[3:][film[3:] == 7] = 8
    np.testing.assert_array_equal(frames, expected)
    assert faults_in_ctc(folder) == []


@settings(max_examples=25)
@given(drawn=TIMES, data=st.data())
def test_any_masks_give_a_valid_folder(exported, drawn, data):
    labels, axes = drawn
    frames = frames_of_cells(labels)
    parents = {}
    for cell, times in frames.items():
        ended = [n for n, others in frames.items() if others[-1] < times[0]]
        if ended and data.draw(st.booleans()):
            parents[cell] = data.draw(st.sampled_from(ended))
    folder = exported(labels, axes, "ctc", parents=parents)
    assert faults_in_ctc(folder) == []
    written = np.stack([tifffile.imread(p) for p in sorted(folder.glob("*.tif"))])
    np.testing.assert_array_equal(written > 0, labels > 0)
    of_track = {
        number: parent for number, _, _, parent in rows(folder / "res_track.txt")
    }
    assert len(of_track) >= len(frames)
    assert sum(parent != 0 for parent in of_track.values()) >= len(parents)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("2 2 5 1", "Track 2 lasts from 2 to 5, of 0 to 4."),
        ("2 1 4 0", "Track 2 is not in exactly the images from 1 to 4."),
        ("2 2 4 9", "Track 2 has the parent 9, which does not exist."),
        ("2 2 4 3", "Track 2 begins at 2, before its parent 3 ends."),
        ("2 2 4", "Line 2 of res_track.txt is not four numbers: 2 2 4"),
        ("1 2 4 0", "Track 1 has two lines."),
        ("70000 2 4 0", "Track 70000 has no number from 1 to 65535."),
    ],
)
def test_what_breaks_the_rules_is_found(exported, film, change, fault):
    folder = exported(film, "TYX", "ctc", parents=FAMILY)
    table = folder / "res_track.txt"
    table.write_text(table.read_text().replace("2 2 4 1", change))
    assert fault in faults_in_ctc(folder)


def test_a_track_without_a_line_is_found(exported, film):
    folder = exported(film, "TYX", "ctc")
    table = folder / "res_track.txt"
    table.write_text(table.read_text().replace("3 2 4 0\n", ""))
    assert faults_in_ctc(folder) == ["Track 3 has no line."]
    table.unlink()
    (fault,) = faults_in_ctc(folder)
    assert "neither res_track.txt nor man_track.txt" in fault


@pytest.mark.parametrize("kind", ["ctc", "trackmate"])
@pytest.mark.parametrize(
    ("parents", "reason"),
    [
        ({2: 7}, "cell 7 still exists at time point 5, when its daughter 2 has begun"),
    ],
)
def test_impossible_divisions_are_refused(exported, film, kind, parents, reason):
    with pytest.raises(CannotSave, match=reason):
        exported(film, "TYX", kind, parents=parents)


def test_divisions_of_cells_that_are_not_there_are_left_out(exported, film):
    folder = exported(film, "TYX", "ctc", parents={2: 9, 8: 1, 3: 1})
    assert [row[3] for row in rows(folder / "res_track.txt")] == [0, 0, 1, 0, 7]
    assert faults_in_ctc(folder) == []


def test_more_tracks_than_16_bits_count_are_refused(exported):
    film = np.zeros((2, 256, 257), np.uint32)
    film[0] = np.arange(1, film[0].size + 1).reshape(film[0].shape)
    with pytest.raises(CannotSave, match="allows 65535") as raised:
        exported(film, "TYX", "ctc")
    assert "TrackMate" in raised.value.hint


@pytest.mark.parametrize("kind", ["ctc", "ctc-truth", "trackmate", "trackmate-stack"])
def test_a_stack_has_no_tracks(exported, film, kind):
    with pytest.raises(CannotSave, match="these masks are no time series"):
        exported(film, "ZYX", kind)


def test_trackmate_gets_the_time_in_seconds_where_it_is_known(exported, film):
    root = ET.parse(exported(film, "TYX", "trackmate", interval_s=90.0)).getroot()
    assert root.find("Model").get("timeunits") == "sec"
    assert root.find("Settings/ImageData").get("timeinterval") == "90.0"
    spots = [*root.iter("Spot")]
    assert all(float(s.get("POSITION_T")) == 90 * int(s.get("FRAME")) for s in spots)
    path = exported(film, "TYX", "trackmate-stack", interval_s=90.0)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.imagej_metadata["finterval"] == 90
    plain = ET.parse(exported(film, "TYX", "trackmate")).getroot()
    assert plain.find("Model").get("timeunits") == "frame"


def test_trackmate_gets_spots_outlines_and_tracks(exported, film):
    path = exported(
        film, "TYX", "trackmate", parents=FAMILY, pixel_size_um=(None, 0.5, 0.25)
    )
    root = ET.parse(path).getroot()
    model = root.find("Model")
    assert (root.tag, model.get("spatialunits")) == ("TrackMate", "µm")
    spots = {int(spot.get("ID")): spot for spot in model.iter("Spot")}
    assert len(spots) == int(model.find("AllSpots").get("nspots")) == 2 + 6 + 4
    drawn = np.zeros_like(film)
    for spot in spots.values():
        frame, cell = int(spot.get("FRAME")), int(spot.get("name"))
        mask = film[frame] == cell
        y, x = np.nonzero(mask)
        centre = np.array([float(spot.get(f"POSITION_{a}")) for a in "XY"])
        np.testing.assert_allclose(centre, [x.mean() * 0.25, y.mean() * 0.5])
        radius = (mask.sum() * 0.125 / np.pi) ** 0.5
        np.testing.assert_allclose(float(spot.get("RADIUS")), radius)
        corners = np.array(spot.text.split(), float).reshape(-1, 2)
        assert len(corners) == int(spot.get("ROI_N_POINTS"))
        # TrackMate has the centres of pixels at whole numbers of pixels.
        at = (corners + centre) / (0.25, 0.5)
        drawn[frame][polygon2mask(mask.shape, at[:, ::-1])] = cell
    filled = film.copy()
    filled[[0, 1, 3, 4], 6, 14] = 7  # the hole, for which there is no place
    np.testing.assert_array_equal(drawn, filled)
    edges = {
        tuple(spots[int(edge.get(f"SPOT_{end}_ID"))] for end in ("SOURCE", "TARGET"))
        for edge in model.iter("Edge")
    }
    pairs = {tuple((int(s.get("name")), int(s.get("FRAME"))) for s in e) for e in edges}
    assert pairs == {
        ((1, 0), (1, 1)),
        ((1, 1), (2, 2)),
        ((1, 1), (3, 2)),
        *(((n, t), (n, t + 1)) for n in (2, 3) for t in (2, 3)),
        ((7, 0), (7, 1)),
        ((7, 1), (7, 3)),
        ((7, 3), (7, 4)),
    }
    tracks = [track.get("TRACK_ID") for track in model.iter("Track")]
    assert len(tracks) == 2
    assert [one.get("TRACK_ID") for one in model.iter("TrackID")] == tracks
    # TrackMate's reader looks into these without asking whether they exist.
    for name in ("InitialSpotFilter", "SpotFilterCollection", "TrackFilterCollection"):
        assert root.find(f"Settings/{name}") is not None
    about = root.find("Settings/ImageData")
    assert (about.get("width"), about.get("height"), about.get("nframes")) == (
        "20",
        "12",
        "5",
    )


@settings(max_examples=15)
@given(drawn=TIMES)
def test_every_cell_is_a_spot_of_trackmate_in_every_frame(exported, drawn):
    labels, axes = drawn
    assume(labels.any())
    root = ET.parse(exported(labels, axes, "trackmate")).getroot()
    found = {(int(s.get("name")), int(s.get("FRAME"))) for s in root.iter("Spot")}
    frames = frames_of_cells(labels)
    assert found == {(cell, t) for cell, times in frames.items() for t in times}
    joins = sum(len(times) - 1 for times in frames.values())
    assert len([*root.iter("Edge")]) == joins


def test_trackmates_stack_has_the_masks_as_last_channel(exported, film):
    path = exported(film, "TYX", "trackmate-stack", channels=2)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_imagej
        assert tiff.series[0].axes == "TCYX"
        pixels = tiff.asarray()
    assert pixels.dtype == np.uint16
    assert not pixels[:, :2].any()
    numbers = np.searchsorted([0, 1, 2, 3, 7], film)
    np.testing.assert_array_equal(pixels[:, 2], numbers)

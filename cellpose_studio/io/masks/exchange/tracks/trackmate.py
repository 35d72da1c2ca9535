"""Tracks as a file of TrackMate (XML)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.masks.exchange.tracks.tracking_challenge import tracks_to_write
from cellpose_studio.io.masks.export_format import MasksToExport

_VERSION = "7.11.1"
"""Of TrackMate; later versions read it, too."""

_SPOT_FEATURES = (
    ("QUALITY", "Quality", "QUALITY", "false"),
    ("POSITION_X", "X", "POSITION", "false"),
    ("POSITION_Y", "Y", "POSITION", "false"),
    ("POSITION_Z", "Z", "POSITION", "false"),
    ("POSITION_T", "T", "TIME", "false"),
    ("FRAME", "Frame", "NONE", "true"),
    ("RADIUS", "Radius", "LENGTH", "false"),
    ("VISIBILITY", "Visibility", "NONE", "true"),
)
_EDGE_FEATURES = (
    ("SPOT_SOURCE_ID", "Source spot ID", "NONE", "true"),
    ("SPOT_TARGET_ID", "Target spot ID", "NONE", "true"),
)
_TRACK_FEATURES = (
    ("TRACK_INDEX", "Track index", "NONE", "true"),
    ("TRACK_ID", "Track ID", "NONE", "true"),
)

_REQUIRED = (
    '<DetectorSettings DETECTOR_NAME="MANUAL_DETECTOR" RADIUS="5.0" />',
    '<InitialSpotFilter feature="QUALITY" value="0.0" isabove="true" />',
    "<SpotFilterCollection />",
    '<TrackerSettings TRACKER_NAME="MANUAL_TRACKER" />',
    "<TrackFilterCollection />",
    "<AnalyzerCollection><SpotAnalyzers /><EdgeAnalyzers /><TrackAnalyzers />"
    "</AnalyzerCollection>",
)
"""Settings without which TrackMate 7 stops with an error when it opens a file."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Spot:
    """A cell in one time point; sizes in the unit of the file."""

    number: int
    cell: int
    frame: int
    centre: tuple[float, float, float]
    radius: float
    corners: npt.NDArray[np.float64] | None


def write_trackmate(part: Path, masks: MasksToExport) -> None:
    """Write spots, their outlines in 2D, tracks and divisions.

    TrackMate takes the centre of pixel i for i × pixel size, so that a corner between
    pixels is at (i − 0.5) × pixel size; it stores corners relative to the centroid.
    It knows no holes and one outline a spot: that of the largest part. Time is in
    seconds where the interval between time points is known, else in frames.
    """
    spots = [*_spots(masks)]
    edges = [*_edges(spots, masks)]
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in _document(masks, spots, edges))


def _size(masks: MasksToExport) -> tuple[tuple[float, float, float], str]:
    """Return the size of a pixel along X, Y and Z, and its unit."""
    z, y, x = masks.image.pixel_size_um
    if not (x and y):
        return (1.0, 1.0, masks.image.step_ratio or 1.0), "pixel"
    return (x, y, z or y), "µm"


def _time(masks: MasksToExport) -> tuple[float, str]:
    """Return the time between frames, and its unit."""
    interval = masks.image.interval_s
    return (1.0, "frame") if interval is None else (interval, "sec")


def _spots(masks: MasksToExport) -> Iterator[_Spot]:
    (px, py, pz), _ = _size(masks)
    frames, _, planes, height, width = masks.image.shape
    numbered = masks.numbered.reshape(frames, planes, height, width)
    # A spot of number 0 would be taken for none by some readers.
    number = 1
    for t in range(frames):
        counts, centres = _centroids(numbered[t], masks.count)
        outlines = _outlines(numbered[t, 0]) if planes == 1 else {}
        for n in np.flatnonzero(counts[1:]) + 1:
            x, y, z = centres[n]
            volume = counts[n] * px * py * (pz if planes > 1 else 1)
            disc, ball = (volume / np.pi) ** 0.5, (volume * 0.75 / np.pi) ** (1 / 3)
            line = outlines.get(int(n))
            yield _Spot(
                number=number,
                cell=int(masks.ids[n]),
                frame=t,
                centre=(float(x * px), float(y * py), float(z * pz)),
                radius=float(ball if planes > 1 else disc),
                corners=None
                if line is None
                else (line - 0.5 - centres[n, :2]) * (px, py),
            )
            number += 1


def _centroids(
    numbered: npt.NDArray[Any], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the pixels of each number in a stack, and their mean x, y, z.

    The shapes are (count + 1,) and (count + 1, 3).
    """
    z, y, x = np.nonzero(numbered)
    cells = numbered[z, y, x]
    counts = np.bincount(cells, minlength=count + 1)
    sums = [np.bincount(cells, at, minlength=count + 1) for at in (x, y, z)]
    return counts, np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]


def _outlines(plane: npt.NDArray[Any]) -> dict[int, npt.NDArray[np.int32]]:
    # Loading the compiled loops takes time, which only callers of this function pay.
    from cellpose_studio.core.masks.edge_lines import edge_lines
    from cellpose_studio.core.masks.parts import signed_area

    found = edge_lines(plane.astype(np.uint32)).by_cell()
    return {
        n: lines[0] if len(lines) == 1 else max(lines, key=signed_area)
        for n, lines in found
    }


def _edges(spots: list[_Spot], masks: MasksToExport) -> Iterator[tuple[_Spot, _Spot]]:
    """Yield pairs of spots: a cell and itself later, a mother and her daughter."""
    of_cell: dict[int, list[_Spot]] = {}
    for spot in spots:
        of_cell.setdefault(spot.cell, []).append(spot)
    for same in of_cell.values():
        yield from pairwise(same)
    # The tracks of cells also tell whether mothers and daughters fit.
    for track in tracks_to_write(masks):
        first = of_cell[track.cell][0]
        mother = masks.parents.get(track.cell, 0)
        if mother and track.begin == first.frame:
            yield of_cell[mother][-1], first


def _trees(edges: list[tuple[_Spot, _Spot]]) -> list[list[tuple[_Spot, _Spot]]]:
    """Return the edges of each cell with all its descendants."""
    root: dict[int, int] = {}
    trees: dict[int, list[tuple[_Spot, _Spot]]] = {}
    # Each spot has one spot before it at most, which comes earlier.
    for source, target in sorted(edges, key=lambda e: e[1].frame):
        top = root.setdefault(source.number, source.number)
        root[target.number] = top
        trees.setdefault(top, []).append((source, target))
    return [*trees.values()]


def _document(
    masks: MasksToExport, spots: list[_Spot], edges: list[tuple[_Spot, _Spot]]
) -> Iterator[str]:
    (px, py, pz), unit = _size(masks)
    interval, of_time = _time(masks)
    image = masks.image
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<TrackMate version="{_VERSION}">'
    yield f'<Model spatialunits="{unit}" timeunits="{of_time}">'
    yield "<FeatureDeclarations>"
    yield from _features("SpotFeatures", _SPOT_FEATURES)
    yield from _features("EdgeFeatures", _EDGE_FEATURES)
    yield from _features("TrackFeatures", _TRACK_FEATURES)
    yield "</FeatureDeclarations>"
    yield f'<AllSpots nspots="{len(spots)}">'
    # Spots are in the order of their frames, some of which may have none.
    by_frame = {t: [*group] for t, group in groupby(spots, lambda spot: spot.frame)}
    for frame in range(image.frames):
        yield f'<SpotsInFrame frame="{frame}">'
        yield from (_spot(one, interval) for one in by_frame.get(frame, ()))
        yield "</SpotsInFrame>"
    yield "</AllSpots>"
    trees = _trees(edges)
    yield "<AllTracks>"
    for n, tree in enumerate(trees):
        attributes = {"name": f"Track_{n}", "TRACK_INDEX": n, "TRACK_ID": n}
        yield f"<Track{_attributes(attributes)}>"
        for source, target in tree:
            ends = {"SPOT_SOURCE_ID": source.number, "SPOT_TARGET_ID": target.number}
            yield f"<Edge{_attributes(ends)} />"
        yield "</Track>"
    yield "</AllTracks>"
    yield "<FilteredTracks>"
    yield from (f'<TrackID TRACK_ID="{n}" />' for n in range(len(trees)))
    yield "</FilteredTracks>"
    yield "</Model>"
    about = {
        "filename": image.path.name,
        "folder": str(image.path.parent),
        "width": image.shape[4],
        "height": image.shape[3],
        "nslices": image.planes,
        "nframes": image.frames,
        "pixelwidth": px,
        "pixelheight": py,
        "voxeldepth": pz,
        "timeinterval": interval,
    }
    yield f"<Settings><ImageData{_attributes(about)} />"
    ends = {"xend": image.shape[4] - 1, "yend": image.shape[3] - 1}
    ends |= {"zend": image.planes - 1, "tend": image.frames - 1}
    starts = dict.fromkeys(("xstart", "ystart", "zstart", "tstart"), 0)
    yield f"<BasicSettings{_attributes({**starts, **ends})} />"
    yield from _REQUIRED
    yield "</Settings>"
    yield '<GUIState state="ConfigureViews" />'
    yield "</TrackMate>"


def _features(group: str, rows: tuple[tuple[str, str, str, str], ...]) -> Iterator[str]:
    yield f"<{group}>"
    for feature, name, dimension, isint in rows:
        known = {
            "feature": feature,
            "name": name,
            "shortname": name,
            "dimension": dimension,
            "isint": isint,
        }
        yield f"<Feature{_attributes(known)} />"
    yield f"</{group}>"


def _spot(spot: _Spot, interval: float) -> str:
    x, y, z = spot.centre
    # None of these needs to be escaped, which would take longer than all the rest.
    known = (
        f'ID="{spot.number}" name="{spot.cell}" QUALITY="1.0" POSITION_X="{x}" '
        f'POSITION_Y="{y}" POSITION_Z="{z}" POSITION_T="{spot.frame * interval}" '
        f'FRAME="{spot.frame}" RADIUS="{spot.radius}" VISIBILITY="1"'
    )
    if spot.corners is None:
        return f"<Spot {known} />"
    numbers = spot.corners.ravel().tolist()
    text = ("%.7f " * len(numbers) % tuple(numbers)).rstrip()
    return f'<Spot {known} ROI_N_POINTS="{len(spot.corners)}">{text}</Spot>'


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(str(v))}" for name, v in values.items())

"""Options for the table of tracks, and what writes it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from cellpose_studio.cli.arguments.options import above_0
from cellpose_studio.core.measure.experiment.values import Row
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.wording import counted
from cellpose_studio.workflows.measure.items import ImageToMeasure
from cellpose_studio.workflows.measure.measure import computed_by
from cellpose_studio.workflows.measure.tables import KINDS
from cellpose_studio.workflows.measure.tracks import (
    ImageTracks,
    track_files,
    tracks_of,
    write_tracks,
)


def add_tracks(parser: argparse.ArgumentParser) -> None:
    """Add ``--tracks`` and ``--frame-interval``."""
    parser.add_argument(
        "--tracks",
        action="store_true",
        help="write a table of tracks as well: one row a cell of each time series",
    )
    parser.add_argument(
        "--frame-interval",
        type=above_0("number of minutes"),
        metavar="MIN",
        help="minutes between time points, for the speed of tracks in µm/h, in place "
        "of what the files say",
    )


class Tracks:
    """The tracks of images, if the options ask for them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._found: list[ImageTracks] = []

    def files(self, folder: Path) -> list[Path]:
        """Return the files that an earlier table may consist of."""
        return track_files(folder, KINDS) if self._options.tracks else []

    def add(
        self,
        item: ImageToMeasure,
        name: str,
        found: Measurements,
        mothers: Mapping[int, int],
        experiment: Row,
    ) -> None:
        """Add the tracks of an image."""
        if self._options.tracks:
            minutes = self._options.frame_interval
            tracks = tracks_of(item, name, found, mothers, minutes, experiment)
            self._found += [] if tracks is None else [tracks]

    def write(self, folder: Path) -> str:
        """Write the table; return what is told of it, "" if none was asked for."""
        if not self._options.tracks:
            return ""
        if not self._found:
            return "No tracks: none of the images is a time series."
        files = write_tracks(folder, self._options.save, self._found, computed_by())
        number = sum(len(one.table.ids) for one in self._found)
        return f"{counted(number, 'track')} -> {', '.join(file.name for file in files)}"

"""Flows of earlier runs, kept on disk so that thresholds stay live."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.cache.flow_file import read_flows, write_flows

NETWORK_PARAMETERS = frozenset(
    {
        "channels",
        "diameter",
        "do_3D",
        "normalization",
        "resample",
        "augment",
        "tile_overlap",
    }
)
"""Fields of `SegmentationParameters` that every network run depends on."""

VOLUME_PARAMETERS = frozenset({"anisotropy", "flow3D_smooth"})
"""Those that it depends on with ``do_3D`` only."""

OTHER_PARAMETERS = frozenset(
    {
        "flow_threshold",
        "cellprob_threshold",
        "min_size",
        "stitch_threshold",
        "niter",
        "max_size_fraction",
        "exclude_on_edges",
        "batch_size",
    }
)
"""Those of the masks, and of the speed. One reaches further: planes that are to be
joined are normalised together, so whether ``stitch_threshold`` is 0 counts after all.
"""

_GENERATION = 1
"""To be raised when the engine gives other flows for the same parameters."""

_SUFFIX = ".flows"
_ABANDONED = 24 * 3600
"""Seconds after which nobody still writes a file that a crash has left."""


def flow_key(
    image_fingerprint: str,
    scene: str,
    model_sha256: str,
    parameters: SegmentationParameters,
    precision: str,
    file_axes: str = "",
) -> str:
    """Return what the flows of a run are kept under, 64 hexadecimal digits.

    Parameters
    ----------
    parameters
        As the run filled them in: with channels, diameter and anisotropy.
    file_axes
        Of the image: with other axes, the same file gives other flows.
    """
    content = [
        _GENERATION,
        image_fingerprint,
        scene,
        file_axes,
        model_sha256,
        precision,
        _of_network(parameters),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _of_network(parameters: SegmentationParameters) -> list[tuple[str, object]]:
    """Return the values that the flows depend on, always in the same order."""
    volume = parameters.do_3D
    names = NETWORK_PARAMETERS | (VOLUME_PARAMETERS if volume else set())
    values = parameters.model_dump(mode="json", include=set(names))
    normalization = values["normalization"]
    wanted = normalization.pop("norm3D")
    values["together"] = volume or (wanted and parameters.stitch_threshold > 0)
    values["normalization"] = sorted(normalization.items())
    return sorted(values.items())


class FlowCache:
    """Keeps the flows that were used last, up to a number of bytes.

    It is a convenience: what cannot be written or read is as if it had never been
    kept. Several processes may use one folder.

    Parameters
    ----------
    folder
        Made when it is first needed.
    budget
        Bytes that all files may take together. The newest one stays even if it
        alone takes more.
    """

    def __init__(self, folder: Path, budget: int) -> None:
        self._folder = folder
        self._budget = budget

    def put(self, key: str, flows: Flows) -> None:
        """Keep ``flows``, and drop those that were not used for the longest time."""
        path = self._path(key)
        # Without room on the disk there will be no live thresholds later; that is all.
        with suppress(CannotSave, OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as part, part.open("wb") as file:
                write_flows(file, flows)
            self._shrink(path)

    def get(self, key: str) -> Flows | None:
        """Return the flows of ``key``; None if they are not there, or damaged."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                flows = read_flows(file)
            # Not every file system notes by itself when a file was read.
            os.utime(path)
        except (OSError, MemoryError):
            return None
        except ValueError:
            with suppress(OSError):
                path.unlink()
            return None
        return flows

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _shrink(self, newest: Path) -> None:
        """Remove the files that were used longest ago until the rest fit."""
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            # Another process may have removed it.
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        total = 0
        for used, size, path in sorted(found, reverse=True):
            if path.name.startswith("."):
                gone = used < time.time() - _ABANDONED
            else:
                total += size
                gone = total > self._budget and path != newest
            if gone:
                with suppress(OSError):
                    path.unlink()

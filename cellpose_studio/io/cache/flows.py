"""Disk cache of the flows of earlier runs, so that thresholds act without a new run."""

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
        "preparation",
        "resample",
        "augment",
        "tile_overlap",
        "region",
    }
)
"""Fields of `SegmentationParameters` that every network run depends on."""

VOLUME_PARAMETERS = frozenset({"anisotropy", "flow3D_smooth", "postprocessing"})
"""Fields that it depends on with ``do_3D`` only."""

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
"""Fields that only affect the masks or the speed, with one exception: planes that are
stitched are normalised together, so flows depend on whether ``stitch_threshold`` is 0.
"""

_OF_MASKS = {"cell_at", "cell_plane", "cell", "cellprob"}
"""Fields of `Region` that only affect the masks."""

_GENERATION = 1
"""To be incremented when the engine gives other flows for the same parameters."""

BUDGET = 8_000_000_000
"""Bytes of the cache of a user; an image of 4096² takes 200 million."""

_SUFFIX = ".flows"
_ABANDONED = 24 * 3600
"""Seconds after which a temporary file must be left over from a crash."""


def flow_key(
    image_fingerprint: str,
    scene: str,
    model_sha256: str,
    parameters: SegmentationParameters,
    precision: str,
    file_axes: str = "",
) -> str:
    """Return the cache key of the flows of a run, 64 hexadecimal digits.

    Parameters
    ----------
    parameters
        As completed by the run: with channels, diameter and anisotropy.
    file_axes
        Axes of the image: with other axes, the same file gives other flows.
    """
    # A JSON list keeps the fields apart: joined to one text, two different keys could
    # be equal.
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
    """Return the values that the flows depend on, in a fixed order."""
    volume = parameters.do_3D
    names = NETWORK_PARAMETERS | (VOLUME_PARAMETERS if volume else set())
    values = parameters.model_dump(mode="json", include=set(names))
    normalization = values["normalization"]
    # Whether norm3D has an effect depends on other parameters, so the key contains its
    # effect instead of its value.
    wanted = normalization.pop("norm3D")
    values["together"] = volume or (wanted and parameters.stitch_threshold > 0)
    values["normalization"] = sorted(normalization.items())
    # Flows of whole images, also those of earlier versions, have the key without it.
    del values["region"]
    if parameters.region is not None:
        values["region"] = parameters.region.model_dump_json(exclude=_OF_MASKS)
    return sorted(values.items())


class FlowCache:
    """LRU cache of flows on disk, limited to a number of bytes.

    Errors are ignored: flows that cannot be written or read count as not cached.
    Several processes may share one folder.

    Parameters
    ----------
    folder
        Created when it is first needed.
    budget
        Bytes that all files may take together. The newest one is kept even if it
        alone takes more.
    """

    def __init__(self, folder: Path, budget: int = BUDGET) -> None:
        self._folder = folder
        self._budget = budget

    def put(self, key: str, flows: Flows) -> None:
        """Store ``flows``, and evict the least recently used ones."""
        path = self._path(key)
        # A full disk is no error here: later thresholds need a new run instead.
        with suppress(CannotSave, OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            # Another process may read the file meanwhile, which must not see a half of
            # it.
            with replacing(path) as part, part.open("wb") as file:
                write_flows(file, flows)
            self._shrink(path)

    def get(self, key: str) -> Flows | None:
        """Return the flows of ``key``; None if they are not cached, or damaged."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                flows = read_flows(file)
            # Not every file system records the time of access, so the entry is touched.
            os.utime(path)
        # The file may be intact, so it stays: only a damaged one is removed, below.
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
        """Remove the least recently used files until the rest fit."""
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            # Another process may have removed it.
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        total = 0
        for used, size, path in sorted(found, reverse=True):
            # A dot marks a temporary file of `replacing`, to which another process may
            # still be writing.
            if path.name.startswith("."):
                gone = used < time.time() - _ABANDONED
            else:
                total += size
                gone = total > self._budget and path != newest
            if gone:
                with suppress(OSError):
                    path.unlink()

"""Files as read by programs that need an environment of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow

NAPARI = """
import json, sys
import numpy as np
from napari_ome_zarr._reader import napari_get_reader
found = []
for path in sys.argv[1:]:
    for pixels, about, *kind in napari_get_reader(path)(path):
        first = np.asarray(pixels[0] if isinstance(pixels, list) else pixels)
        found.append([*(kind or ["image"]), first.tolist(), list(about["scale"])])
print("RESULT", json.dumps(found))
"""

PYCELLIN = """
import json, sys
import pycellin
model = pycellin.load_TrackMate_XML(sys.argv[1])
found = []
for lineage in model.data.cell_data.values():
    nodes = lineage.nodes(data=True)
    cells = {n: (int(cell["cell_name"]), cell["timepoint"]) for n, cell in nodes}
    found.append([[cells[a], cells[b]] for a, b in lineage.edges])
print("RESULT", json.dumps(found))
"""


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Return a function that runs a program where the readers are installed."""
    folder = tmp_path_factory.mktemp("peers")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    packages = ["napari-ome-zarr==0.10.0", "ome-zarr==0.18.0", "pycellin==0.5.1"]
    # A test that is skipped without a network would never fail.
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)

    def apart(program, *paths):
        ran = subprocess.run(
            [python, "-c", program, *map(str, paths)], capture_output=True, text=True
        )
        assert "RESULT" in ran.stdout, ran.stderr
        return json.loads(ran.stdout.split("RESULT", 1)[1])

    return apart


@pytest.mark.parametrize("kind", ["ome-zarr", "ome-zarr-0.4"])
def test_napari_opens_image_and_labels(apart, exported, plane, kind):
    path = exported(plane, "YX", kind, channels=2, pixel_size_um=(None, 0.5, 0.25))
    layers = {kind: (pixels, scale) for kind, pixels, scale in apart(NAPARI, path)}
    assert sorted(layers) == ["image", "labels"]
    pixels, scale = layers["labels"]
    np.testing.assert_array_equal(pixels, plane)
    assert scale == [0.5, 0.25]
    assert layers["image"][1] == scale


def test_pycellin_reads_tracks_and_divisions(apart, exported):
    film = np.zeros((4, 9, 12), np.uint32)
    film[:2, 2:5, 2:5], film[2:, 1:3, 2:5], film[2:, 5:7, 2:5] = 1, 2, 3
    film[[0, 2, 3], 2:6, 8:11] = 7
    path = exported(film, "TYX", "trackmate", parents={2: 1, 3: 1})
    family, alone = sorted(apart(PYCELLIN, path), key=len, reverse=True)
    expected = [((1, 0), (1, 1)), ((1, 1), (2, 2)), ((1, 1), (3, 2))]
    expected += [((n, 2), (n, 3)) for n in (2, 3)]
    assert sorted((tuple(a), tuple(b)) for a, b in family) == sorted(expected)
    assert sorted(alone) == [[[7, 0], [7, 2]], [[7, 2], [7, 3]]]

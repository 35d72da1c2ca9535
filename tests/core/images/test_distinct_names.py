"""Names of images that tell them apart."""

from pathlib import Path

import pytest

from cellpose_studio.core.images.distinct_names import with_folders


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["A/x.tif", "A/y.tif"], ["x.tif", "y.tif"]),
        (["A/x.tif", "B/x.tif"], ["A/x.tif", "B/x.tif"]),
        (["A/1/x.tif", "A/2/x.tif"], ["1/x.tif", "2/x.tif"]),
        (["A/1/x.tif", "B/1/x.tif"], ["A/1/x.tif", "B/1/x.tif"]),
        (["A/1/x.tif", "A/1/x.tif"], ["1/x.tif", "1/x.tif"]),
        (["x.tif", "A/x.tif"], ["x.tif", "A/x.tif"]),
    ],
)
def test_as_many_folders_as_tell_names_apart(paths, names):
    found = [Path(path) for path in paths]
    assert with_folders([p.name for p in found], [p.parent for p in found]) == names

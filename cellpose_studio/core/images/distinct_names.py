"""Names of images that tell them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.core.images.image import ImageSource


def distinct_names(images: Sequence[ImageSource]) -> list[str]:
    """Return the name of each image, with folders before it where others share it."""
    return with_folders(
        [image.name for image in images], [image.path.parent for image in images]
    )


def with_folders(names: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Return names, with folders that they are in where several are alike.

    There are as many folders as tell it from the others of that name: of A/1/x.tif and
    B/1/x.tif they are A/1/x.tif and B/1/x.tif, but 1/x.tif and 2/x.tif of A/1/x.tif and
    A/2/x.tif.
    """
    found = [*names]
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for n, name in enumerate(names):
        alike[name].append(n)
    for several in alike.values():
        if len(several) > 1:
            for n, folder in _telling_apart(folders, several).items():
                found[n] = "/".join([*folder, names[n]])
    return found


def _telling_apart(
    folders: Sequence[Path], which: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    """Return the ends of folders that tell them apart, by their place."""
    parts = {n: folders[n].parts for n in which}
    found: dict[int, tuple[str, ...]] = {}
    depth, left = 1, [*which]
    while left:
        ends: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for n in left:
            ends[parts[n][-depth:]].append(n)
        # What the whole path does not tell apart has one folder.
        found |= {
            n: end if len(several) == 1 else end[-1:]
            for end, several in ends.items()
            for n in several
            if len(several) == 1 or depth > len(parts[n])
        }
        left = [n for n in left if n not in found]
        depth += 1
    return found

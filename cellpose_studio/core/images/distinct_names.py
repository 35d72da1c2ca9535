"""Names of images that tell them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from cellpose_studio.core.images.image import ImageSource


def distinct_names(images: Sequence[ImageSource]) -> list[str]:
    """Return the name of each image, with folders before it where others share it.

    There are as many folders as tell it from the others of that name: of A/1/x.tif and
    B/1/x.tif they are A/1/x.tif and B/1/x.tif, but 1/x.tif and 2/x.tif of A/1/x.tif and
    A/2/x.tif.
    """
    names = [image.name for image in images]
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for n, name in enumerate(names):
        alike[name].append(n)
    for several in alike.values():
        if len(several) > 1:
            for n, name in _with_folders(images, several).items():
                names[n] = name
    return names


def _with_folders(
    images: Sequence[ImageSource], which: Sequence[int]
) -> dict[int, str]:
    folders = {n: images[n].path.parent.parts for n in which}
    found: dict[int, str] = {}
    depth, left = 1, [*which]
    while left:
        ends: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for n in left:
            ends[folders[n][-depth:]].append(n)
        # What the whole path does not tell apart stays as it is.
        done = {
            n: end
            for end, several in ends.items()
            for n in several
            if len(several) == 1 or depth > len(folders[n])
        }
        found |= {n: "/".join([*end, images[n].name]) for n, end in done.items()}
        left = [n for n in left if n not in done]
        depth += 1
    return found

"""Draws what a model found over what is true."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.labels import outlines
from cellpose_studio.workflows.assess import Assessed

SIDE = 400  # px of one picture
COLUMNS = 4
TRUE, FOUND, BOTH = (0, 200, 255), (255, 120, 0), (255, 255, 255)


def draw(results: dict[str, list[Assessed]], path: Path) -> None:
    """Write the best, the median and the worst image of each kind, side by side."""
    tiles = []
    for kind, images in results.items():
        ranked = sorted(images, key=lambda one: -one.agreement.precision[0])
        for name, n in places(len(ranked)).items():
            score = ranked[n].agreement.precision[0]
            tiles.append(titled(picture(ranked[n]), f"{kind}, {name}: {score:.2f}"))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[n : n + COLUMNS]) for n in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def places(count: int) -> dict[str, int]:
    """Return which of so many ranked images are drawn, by what they are called."""
    if count == 1:
        return {"only image": 0}
    middle = {"median": count // 2} if count > 2 else {}
    return {"best": 0, **middle, "worst": count - 1}


def picture(result: Assessed) -> npt.NDArray[np.uint8]:
    """Return one image with outlines: true ones blue, found ones orange."""
    image = result.run.image
    pixels = image.volume(0, range(image.channels))[:, 0].astype(np.float32)
    colours = np.moveaxis(pixels if image.rgb else pixels[[0] * 3], 0, -1)
    low, high = np.percentile(colours, (0.5, 99.5))
    drawn = (np.clip((colours - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    scale = SIDE / max(drawn.shape[:2])
    size = (round(drawn.shape[1] * scale), round(drawn.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    drawn = cv2.resize(drawn, size, interpolation=way)
    true, found = (
        outlines(cv2.resize(labels.astype(np.int32), size, interpolation=0))
        for labels in (result.true, result.run.labels)
    )
    for where, colour in ((true, TRUE), (found, FOUND), (true & found, BOTH)):
        drawn[where] = colour
    return drawn


def titled(drawn: npt.NDArray[np.uint8], title: str) -> npt.NDArray[np.uint8]:
    """Return ``drawn`` on a square below ``title``."""
    tile = np.zeros((SIDE + 24, SIDE, 3), np.uint8)
    tile[24 : 24 + drawn.shape[0], : drawn.shape[1]] = drawn
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(tile, title, (4, 16), font, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return tile

"""Measure the model that ships beside a classical method; see docs/benchmarks.md.

python tests/bench/first_model.py [FOLDER OF IMAGES WITH splits.csv]
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.image import ImageSource
from cellpose_studio.core.parameters import SegmentationParameters
from cellpose_studio.engine.catalogue import shipped
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.evaluation import IOU_THRESHOLDS, agreement
from cellpose_studio.engine.network import NetworkCache, load
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.io.images import open_images
from cellpose_studio.io.masks import read_masks
from cellpose_studio.workflows.segment import segment

Labels = npt.NDArray[np.uint32]
Method = Callable[[ImageSource], Labels]

DATA = Path(__file__).parents[3] / "shared" / "data"
KINDS = ("2d_nuclei_fluo", "2d_nuclei_histology")


def validation(data: Path) -> list[Path]:
    """Return the nuclei images that no model was trained on."""
    with (data / "splits.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == "validation"]
    return [data / row["file"] for row in rows if row["file"].startswith(KINDS)]


def otsu_and_watershed(image: ImageSource) -> Labels:
    """Threshold by Otsu, smooth, and split touching cells at their waists."""
    from scipy import ndimage
    from skimage import feature, filters, measure, morphology, segmentation

    pixels = image.volume(0, range(image.channels)).mean(axis=0)[0]
    smooth = filters.gaussian(-pixels if image.rgb else pixels, 1)
    inside = smooth > filters.threshold_otsu(smooth)
    inside = morphology.remove_small_objects(inside, max_size=15)
    inside = ndimage.binary_fill_holes(inside)
    depth = filters.gaussian(ndimage.distance_transform_edt(inside), 1)
    seeds = np.zeros(depth.shape, np.int32)
    peaks = feature.peak_local_max(depth, min_distance=5, labels=measure.label(inside))
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-depth, seeds, mask=inside).astype(np.uint32)


def model() -> Method:
    """Return the model that ships, loaded and warm, with automatic diameter."""
    networks = NetworkCache()

    def method(image: ImageSource) -> Labels:
        parameters = SegmentationParameters()
        return segment(
            image, shipped()[0], parameters, Checkpoint(), CPU, networks
        ).labels

    return method


def row(image: Path, methods: list[Method]) -> list[float]:
    """Return AP at each IoU and seconds, method after method."""
    true = read_masks(image.with_name(f"{image.stem}_masks.tif")).labels
    source = open_images(image)[0]
    values: list[float] = []
    for method in methods:
        start = perf_counter()
        found = method(source)
        seconds = perf_counter() - start
        values += [*agreement(found, true).precision, seconds]
    return values


def accuracy(data: Path) -> None:
    """Print AP and time per image and in mean."""
    images = validation(data)
    methods = [model(), otsu_and_watershed]
    row(images[0], methods)  # what is compiled and imported at first use
    name = shipped()[0].name
    names = [f"AP@{iou}" for iou in IOU_THRESHOLDS]
    print(f"| image | {name} {' | '.join(names)} | s | Otsu {' | '.join(names)} | s |")
    print("|---" * (3 + 2 * len(names)) + "|")
    rows = []
    for image in images:
        rows.append(row(image, methods))
        print(f"| {image.stem} | {' | '.join(f'{v:.2f}' for v in rows[-1])} |")
    means = " | ".join(f"**{v:.3f}**" for v in np.mean(rows, axis=0))
    print(f"| **mean of {len(rows)}** | {means} |")


def speed() -> None:
    """Print the time of one image of 512², by the number of threads."""
    from cellpose_studio.io.sample import sample_path

    sample = open_images(sample_path())[0]
    pixels = np.tile(sample.plane(0, 0, 0), (2, 2))[:512, :512]
    image = _in_memory(sample, pixels)
    spec, networks = shipped()[0], NetworkCache()
    print("\n| 512², diameter 30 px | s |\n|---|---|")
    start = perf_counter()
    load(spec, CPU)
    print(f"| loading | {perf_counter() - start:.2f} |")
    for threads in (2, 1):
        use_threads(threads)
        parameters = SegmentationParameters(diameter=30.0)
        times = []
        for _ in range(5):
            start = perf_counter()
            segment(image, spec, parameters, Checkpoint(), CPU, networks)
            times.append(perf_counter() - start)
        print(f"| network and masks, threads: {threads} | {np.median(times):.2f} |")


def _in_memory(like: ImageSource, pixels: npt.NDArray[np.generic]) -> ImageSource:
    from dataclasses import replace

    class Reader:
        def read(self, region: tuple[slice, ...]) -> npt.NDArray[np.generic]:
            return pixels[None, None, None][region]

    return replace(like, shape=(1, 1, 1, *pixels.shape), reader=Reader())


if __name__ == "__main__":
    accuracy(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
    speed()

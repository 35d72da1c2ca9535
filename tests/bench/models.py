"""Measure the models that ship beside simpler methods; see docs/benchmarks.md.

python tests/bench/models.py [--data FOLDER WITH splits.csv] [--overlays PICTURE]
    [--beside WEIGHTS …] [--flips] [--bfloat16]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU, Precision
from cellpose_studio.engine.evaluation import agreement
from cellpose_studio.engine.networks.catalogue import from_file, shipped
from cellpose_studio.engine.networks.network import NetworkCache, load
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.assess import Assessed, assess
from cellpose_studio.workflows.segment import segment
from cellpose_studio.workflows.training.training_images import training_files

Labels = npt.NDArray[np.uint32]
Pair = tuple[Path, Path]

DATA = Path(__file__).parents[3] / "shared" / "data"
KINDS = {
    "2d_nuclei_fluo": ("nuclei, fluorescence", "nuclei-small"),
    "2d_nuclei_fluo_tissue": ("nuclei, tissue in fluorescence", "nuclei-small"),
    "2d_nuclei_histology": ("nuclei, histology", "stained-small"),
    "2d_nuclei_histology_fields": ("nuclei, histology, fields", "stained-small"),
    "2d_nuclei_smear_bf": ("nuclei, smears in bright field", "stained-small"),
    "2d_cells_phase": ("cells, phase contrast", "phase-small"),
    "2d_cells_qpi": ("cells, quantitative phase", "qpi-small"),
}
"""By folder: what its images are, and the model for them."""

BRIGHT = ("2d_nuclei_fluo", "2d_nuclei_fluo_tissue", "2d_cells_qpi")
"""Folders with cells brighter than the ground."""


@dataclass(frozen=True)
class Row:
    """AP at IoU 0.5, 0.75 and 0.9, and seconds, of one method on one image."""

    image: str
    precision: tuple[float, ...]
    seconds: float
    diameter_error: float = float("nan")


@dataclass(frozen=True)
class Variant:
    """A way to run the network; it measures the diameter itself if it ``measures``."""

    augment: bool = False
    precision: Precision = "float32"
    measures: bool = False


FLIPS = {"once": Variant(), "flipped, averaged": Variant(augment=True)}
PRECISIONS = {
    "float32": Variant(),
    "bfloat16": Variant(precision="bfloat16"),
    "bfloat16, also for the diameter": Variant(precision="bfloat16", measures=True),
}


def validation(data: Path, folder: str) -> list[Pair]:
    """Return the images of ``folder`` that no model was trained on."""
    files = training_files([data / folder], data / "splits.csv", ())["validation"]
    return [(image, masks) for image, masks, _ in files]


def by_model(results: Sequence[Assessed]) -> list[Row]:
    return [
        Row(
            one.image.stem,
            one.agreement.precision,
            one.run.seconds,
            one.diameter_error,
        )
        for one in results
    ]


def by_otsu(pairs: list[Pair], dark: bool) -> list[Row]:
    """Measure Otsu's threshold and a watershed, told whether cells are dark."""
    rows = []
    for image, masks in pairs:
        source = open_images(image)[0]
        start = perf_counter()
        found = otsu_and_watershed(source, dark)
        seconds = perf_counter() - start
        true = read_masks(masks).labels
        rows.append(Row(image.stem, agreement(found, true).precision, seconds))
    return rows


def otsu_and_watershed(image: ImageSource, dark: bool) -> Labels:
    """Threshold by Otsu, smooth, and split touching cells at their waists."""
    from scipy import ndimage
    from skimage import feature, filters, measure, morphology, segmentation

    pixels = image.volume(0, range(image.channels)).mean(axis=0)[0]
    smooth = filters.gaussian(-pixels if dark else pixels, 1)
    inside = smooth > filters.threshold_otsu(smooth)
    inside = morphology.remove_small_objects(inside, max_size=15)
    inside = ndimage.binary_fill_holes(inside)
    depth = filters.gaussian(ndimage.distance_transform_edt(inside), 1)
    seeds = np.zeros(depth.shape, np.int32)
    peaks = feature.peak_local_max(depth, min_distance=5, labels=measure.label(inside))
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-depth, seeds, mask=inside).astype(np.uint32)


def untrained(model: ModelSpec, folder: Path) -> ModelSpec:
    """Return a network like ``model`` whose weights are random."""
    import torch

    from cellpose_studio.engine.networks.unet import UNet, widths_of
    from cellpose_studio.engine.networks.weights import (
        inspect,
        read_weights,
        save_weights,
    )

    torch.manual_seed(0)
    net = UNet(widths_of(read_weights(model.path)))
    net.diam_mean.data[:], net.diam_labels.data[:] = model.diam_mean, model.diam_labels
    save_weights(net, folder / model.name)
    spec = inspect(folder / model.name)
    return spec.model_copy(update={"title": f"{model.name}, untrained"})


def tables(data: Path, beside: Sequence[Path]) -> Iterator[tuple[str, list[Assessed]]]:
    """Print the tables of accuracy, and yield what the models found by kind.

    Models in the files ``beside`` are measured on images of all kinds.
    """
    others = [from_file(file) for file in beside]
    models = {model.name: model for model in shipped()}
    images, means = [], []
    quiet = Checkpoint()
    with TemporaryDirectory() as folder:
        for part, (kind, own) in KINDS.items():
            pairs = validation(data, part)
            list(assess(models[own], pairs[:1], quiet))  # compiles and imports
            found = list(assess(models[own], pairs, quiet))
            images += [(own, row) for row in by_model(found)]
            methods = {own: by_model(found)}
            for other in others:
                title = f"{other.name} of {other.path.parent.name}"
                methods[title] = by_model(list(assess(other, pairs, quiet)))
            random = untrained(models[own], Path(folder))
            # It would not measure any diameter that makes sense.
            usual = SegmentationParameters(diameter=models[own].diam_labels)
            results = list(assess(random, pairs, quiet, usual))
            methods[random.title] = by_model(results)
            methods["Otsu + watershed"] = by_otsu(pairs, dark=part not in BRIGHT)
            means += [(kind, name, rows) for name, rows in methods.items()]
            yield kind, found
    print_means(means)
    print_images(images)


def print_means(rows: list[tuple[str, str, list[Row]]]) -> None:
    print(
        "| images | method | AP@0.5 | worst to best | AP@0.75 | AP@0.9 "
        "| diameter off by | s |\n|---|---|---|---|---|---|---|---|"
    )
    for kind, name, measured in rows:
        precision = np.array([row.precision for row in measured])
        ap50, ap75, ap90 = precision.mean(axis=0)
        worst, best = precision[:, 0].min(), precision[:, 0].max()
        error = np.median([row.diameter_error for row in measured])
        off = "" if np.isnan(error) else f"{error:.0%}"
        seconds = np.mean([row.seconds for row in measured])
        print(
            f"| {kind} ({len(measured)}) | {name} | {ap50:.3f} "
            f"| {worst:.2f} to {best:.2f} | {ap75:.3f} | {ap90:.3f} | {off} "
            f"| {seconds:.2f} |"
        )


def print_images(rows: list[tuple[str, Row]]) -> None:
    print(
        "\n| image | model | AP@0.5 | AP@0.75 | AP@0.9 | diameter off by | s |\n"
        "|---|---|---|---|---|---|---|"
    )
    for name, row in rows:
        precision = " | ".join(f"{value:.2f}" for value in row.precision)
        print(
            f"| {row.image} | {name} | {precision} | {row.diameter_error:.0%} "
            f"| {row.seconds:.2f} |"
        )


def print_uncertainty(results: dict[str, list[Assessed]]) -> None:
    """Print how often cells are right, those in uncertainty and the others."""
    print(
        "\n| images | cells | right | uncertain | of these right | the others right "
        "|\n|---|---|---|---|---|---|"
    )
    for kind, images in results.items():
        right = np.concatenate([right_cells(one) for one in images])
        uncertain = np.concatenate([one.run.confidence.uncertain for one in images])
        print(
            f"| {kind} | {len(right)} | {right.mean():.0%} | {uncertain.sum()} "
            f"| {right[uncertain].mean():.0%} | {right[~uncertain].mean():.0%} |"
        )


def right_cells(result: Assessed) -> npt.NDArray[np.bool_]:
    """Return for each found cell whether a true one overlaps it by IoU 0.5."""
    found, true = result.run.labels, result.true
    areas = np.bincount(true.ravel())
    right = []
    for cell in result.run.confidence.ids:
        inside = found == cell
        overlap = np.bincount(true[inside], minlength=len(areas))
        overlap[0] = 0
        best = int(overlap.argmax())
        union = np.count_nonzero(inside) + areas[best] - overlap[best]
        right.append(overlap[best] >= 0.5 * union)
    return np.array(right, bool)


def speed() -> None:
    """Print the time of one image of 512², by the number of threads."""
    from cellpose_studio.io.images.sample import sample_path

    sample = open_images(sample_path())[0]
    pixels = np.tile(sample.plane(0, 0, 0), (2, 1))[:512, :512]
    image = _in_memory(sample, pixels)
    parameters = SegmentationParameters(diameter=30.0)
    print("\n| 512², diameter 30 px | loading, s | 2 threads, s | 1 thread, s |")
    print("|---|---|---|---|")
    for model in shipped():
        loading = timed(lambda model=model: load(model, CPU))
        networks = NetworkCache()

        def run(model: ModelSpec = model, networks: NetworkCache = networks) -> None:
            segment(image, model, parameters, Checkpoint(), CPU, networks)

        times = []
        for threads in (2, 1):
            use_threads(threads)
            times.append(timed(run))
        print(f"| {model.name} | {loading:.2f} | {times[0]:.2f} | {times[1]:.2f} |")


def print_variants(data: Path, variants: dict[str, Variant], column: str) -> None:
    """Print what ways to run the network change."""
    use_threads(1)
    models = {model.name: model for model in shipped()}
    print(
        f"| images | {column} | AP@0.5 | AP@0.75 | AP@0.9 | CPU, s |\n"
        "|---|---|---|---|---|---|"
    )
    for part, (kind, own) in KINDS.items():
        pairs = validation(data, part)
        networks = {name: NetworkCache() for name in variants}
        rows = [variant_rows(*pair, models[own], variants, networks) for pair in pairs]
        for name, (*precision, seconds) in zip(
            variants, np.mean(rows, axis=0), strict=True
        ):
            values = " | ".join(f"{value:.3f}" for value in precision)
            print(
                f"| {kind} ({len(pairs)}) | {name} | {values} | {seconds:.1f} |",
                flush=True,
            )


def variant_rows(
    image: Path,
    masks: Path,
    model: ModelSpec,
    variants: dict[str, Variant],
    networks: dict[str, NetworkCache],
) -> list[tuple[float, ...]]:
    """Return AP and CPU time, s, of a run in each way."""
    source, true = open_images(image)[0], read_masks(masks).labels
    usual = SegmentationParameters(postprocessing="automatic")
    known = segment(source, model, usual, Checkpoint()).parameters
    rows = []
    for name, variant in variants.items():
        networks[name].get(model, CPU, precision=variant.precision)  # loads it
        wanted = usual if variant.measures else known
        start = process_time()
        found = segment(
            source,
            model,
            wanted.model_copy(update={"augment": variant.augment}),
            Checkpoint(),
            networks=networks[name],
            precision=variant.precision,
        )
        seconds = process_time() - start
        rows.append((*agreement(found.labels, true).precision, seconds))
    return rows


def timed(call: Callable[[], object]) -> float:
    """Return the median time of five calls, s."""
    times = []
    for _ in range(5):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return float(np.median(times))


def _in_memory(like: ImageSource, pixels: npt.NDArray[np.generic]) -> ImageSource:
    class Reader:
        def read(self, region: tuple[slice, ...]) -> npt.NDArray[np.generic]:
            return pixels[None, None, None][region]

    return replace(like, shape=(1, 1, 1, *pixels.shape), reader=Reader())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--beside", nargs="+", type=Path, default=[], help="other weight files"
    )
    parser.add_argument("--overlays", type=Path, help="picture to draw")
    parser.add_argument(
        "--flips", action="store_true", help="print nothing but what flipped tiles do"
    )
    parser.add_argument(
        "--bfloat16", action="store_true", help="print nothing but what it changes"
    )
    options = parser.parse_args()
    if options.flips:
        print_variants(options.data, FLIPS, "tiles")
        return
    if options.bfloat16:
        print_variants(options.data, PRECISIONS, "precision")
        return
    results = dict(tables(options.data, options.beside))
    print_uncertainty(results)
    speed()
    if options.overlays:
        from overlays import draw

        draw(results, options.overlays)


if __name__ == "__main__":
    main()

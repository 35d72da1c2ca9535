"""Size models: estimate the diameter of the cells from the style of an image.

The first step of the size models of Cellpose 1-3, whose files are read, too. The
style, an average of the network's deepest feature map, depends on the size of the
cells, and a linear regression estimates it (Stringer, Wang, Michaelos & Pachitariu,
Nature Methods 18, 100-106, 2021, "Size estimation").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import cv2
import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import MODEL_DIAMETERS
from cellpose_studio.core.models.safe_unpickle import unpickled_dict
from cellpose_studio.paths import find_model_file, model_folders

FloatArray = npt.NDArray[np.float32]
Style = Callable[[FloatArray], npt.NDArray[np.float64]]
"""Maps a network input (Y, X, C) to its style (S,)."""

SIZES = (0.3, 4.0)
"""Range of estimated diameters, in units of ``diam_mean``."""

_CELLPOSE_SIZES = (1e-3, 1e3)
"""The same of Cellpose, which has no upper limit; networks cannot scale more."""

_VIEWS = 5
"""Number of views of each image, at different scales."""
_PARTS = 4
"""Random parts that a view is chosen from."""
_SIDE = 256
"""Largest side of a view, px: small enough for a fast estimate."""
_MOST_BYTES = 1 << 24
"""Size of the arrays of a file beyond which it is no size model."""
_RIDGE = 1.0
"""Ridge penalty, as in Cellpose: keeps the many weights small."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SizeModel:
    """A linear regression from styles to the logarithm of the diameter.

    Attributes
    ----------
    weights
        (S,) regression weights.
    mean_style
        (S,) mean of the styles that it was fitted to.
    mean_log
        Mean of the logarithms of diameter / ``diam_mean`` that it was fitted to.
    diam_mean
        Diameter that the network scales cells to, px.
    whole_image
        Whether it was fitted to styles of whole images, as in Cellpose, and not to
        those of a part.
    """

    weights: npt.NDArray[np.float64]
    mean_style: npt.NDArray[np.float64]
    mean_log: float
    diam_mean: float
    whole_image: bool = False

    def diameter(self, style: npt.NDArray[np.float64]) -> float:
        """Return the diameter of the cells in an image with a style, px."""
        log = float((style - self.mean_style) @ self.weights) + self.mean_log
        low, high = np.log(_CELLPOSE_SIZES if self.whole_image else SIZES)
        # The regression says nothing about sizes beyond those that it was fitted to.
        return self.diam_mean * float(np.exp(np.clip(log, low, high)))


def fit_size_model(
    images: Sequence[FloatArray],
    diameters: Sequence[float],
    style: Style,
    diam_mean: float,
    check: Callable[[], None],
) -> SizeModel:
    """Fit a size model to images (Y, X, C) with cells of known diameters.

    The fit is deterministic. ``check`` is called before each view.
    """
    rng = np.random.default_rng(0)
    styles, logs = [], []
    for image, diameter in zip(images, diameters, strict=True):
        low, high = np.log(SIZES)
        for size in np.exp(rng.uniform(low, high, _VIEWS)):
            check()
            view = _view(image, size * diam_mean / diameter, rng)
            styles.append(style(view))
            logs.append(np.log(size))
    x, y = np.array(styles), np.array(logs)
    mean_style, mean_log = x.mean(axis=0), float(y.mean())
    # Centred variables need no intercept, which the penalty would shrink as well.
    x, y = x - mean_style, y - mean_log
    weights = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ y)
    return SizeModel(
        weights=weights, mean_style=mean_style, mean_log=mean_log, diam_mean=diam_mean
    )


def part_for_style(image: FloatArray, side: int = _SIDE) -> FloatArray:
    """Return the part of ``image`` (Y, X, C) that its style is taken from.

    Of several parts of a large image, it is the one with the highest contrast.
    """
    height, width = image.shape[:2]
    corners = [(y, x) for y in _starts(height, side) for x in _starts(width, side)]
    parts = [image[y : y + side, x : x + side] for y, x in corners]
    return max(parts, key=lambda part: float(part.std()))


def scaled(part: FloatArray, scale: float, least: int) -> FloatArray:
    """Return ``part`` (Y, X, C) at another scale, of ``least`` px at least."""
    size = [max(least, round(length * scale)) for length in part.shape[:2]]
    # Averaging over areas prevents aliasing where the view is smaller.
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    found = cv2.resize(np.ascontiguousarray(part), size[::-1], interpolation=way)
    return np.asarray(found, np.float32).reshape(*size, -1)


def size_model_path(weights: Path) -> Path:
    """Return the path of the size model of a weight file, whether or not it exists."""
    return weights.with_name(f"{weights.name}.size.npz")


def save_size_model(model: SizeModel, path: Path) -> None:
    """Write ``model`` as an archive of plain arrays."""
    # Given a path, NumPy would append its own suffix to the name.
    with path.open("wb") as file:
        np.savez(
            file,
            weights=model.weights,
            mean_style=model.mean_style,
            mean_log=model.mean_log,
            diam_mean=model.diam_mean,
        )


def find_size_model(weights: Path) -> Path | None:
    """Return the path of the size model of a weight file; None if there is none.

    Cellpose names those that it has trained after the weights, and those that it has
    published with "size" before.
    """
    beside = (
        size_model_path(weights),
        weights.with_name(f"{weights.name}_size.npy"),
        weights.with_name(f"size_{weights.name}.npy"),
    )
    found = next((path for path in beside if path.is_file()), None)
    # Weights that Cellpose has downloaded lie in a folder that may be read-only.
    if found is None and weights.parent in model_folders():
        return find_model_file(f"size_{weights.name}.npy")
    return found


def load_size_model(path: Path) -> SizeModel:
    """Load a size model; no code in the file is executed.

    Raises
    ------
    ModelUnusable
        If it is damaged or not a size model, or has numbers that no diameter can be
        estimated with.
    """
    try:
        model = _of_cellpose(path) if path.suffix == ".npy" else _own(path)
    # Damaged archives can make zlib and NumPy raise many exceptions.
    except Exception as error:
        raise _unusable(path) from error
    if not _has_sense(model):
        raise _unusable(path)
    return model


def _own(path: Path) -> SizeModel:
    arrays = _arrays(path)
    return SizeModel(
        weights=arrays["weights"],
        mean_style=arrays["mean_style"],
        mean_log=float(arrays["mean_log"]),
        diam_mean=float(arrays["diam_mean"]),
    )


def _of_cellpose(path: Path) -> SizeModel:
    """Read what ``models.SizeModel`` of Cellpose 1-3 saves, a dictionary."""
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError
    with path.open("rb") as file:
        values = unpickled_dict(file)
    return SizeModel(
        weights=np.asarray(values["A"], np.float64).ravel(),
        mean_style=np.asarray(values["smean"], np.float64).ravel(),
        mean_log=_number(values["ymean"]),
        diam_mean=_number(values["diam_mean"]),
        whole_image=True,
    )


def _number(value: object) -> float:
    """Return a number that may be stored as an array of one."""
    return float(np.asarray(value, np.float64).reshape(()))


def _arrays(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    with ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > _MOST_BYTES:
            raise BadZipFile
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if any(np.iscomplexobj(array) for array in arrays.values()):
        raise TypeError
    return {name: array.astype(np.float64) for name, array in arrays.items()}


def _has_sense(model: SizeModel) -> bool:
    low, high = MODEL_DIAMETERS
    numbers = [*model.weights.flat, *model.mean_style.flat, model.mean_log]
    shapes = model.weights.shape == model.mean_style.shape and model.weights.ndim == 1
    return (
        shapes and bool(np.isfinite(numbers).all()) and low <= model.diam_mean <= high
    )


def _unusable(path: Path) -> ModelUnusable:
    return ModelUnusable(
        f"{path.name} is damaged, or not a size model.",
        "Download it again, or delete it to measure the diameter without it.",
    )


def _view(image: FloatArray, scale: float, rng: np.random.Generator) -> FloatArray:
    """Return a part of ``image``, scaled, of `_SIDE` px at most.

    Of a few random ones, it is that with the highest contrast: between sparse cells,
    there is nothing to tell their size from.
    """
    side = max(8, int(_SIDE / scale))
    corners = [
        [rng.integers(max(1, length - side + 1)) for length in image.shape[:2]]
        for _ in range(_PARTS)
    ]
    parts = [image[y : y + side, x : x + side] for y, x in corners]
    part = max(parts, key=lambda one: float(one.std()))
    return scaled(part, scale, 16)


def _starts(length: int, side: int) -> list[int]:
    """Return the starts of parts of ``side`` that together cover ``length``."""
    count = -(-length // side)
    last = max(0, length - side)
    return [round(n * last / max(1, count - 1)) for n in range(count)]

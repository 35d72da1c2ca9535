"""Automatic: a quick look tells which of the shipped models suits an image.

The style of an image, an average of a network's deepest feature map, says what it looks
like. A linear model, which packaging/models/choose.py fits to the images that the
shipped models were trained on, tells from it whose images it resembles most. How well
models agree with themselves tells less: on cells that look like nuclei, the model for
nuclei is as sure as the one for such cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.estimates.diameter import estimate_diameter
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.prepared import prepared
from cellpose_studio.engine.flows.prepare import (
    among_needed,
    needed_channels,
    network_input,
)
from cellpose_studio.engine.networks.network import Network, load
from cellpose_studio.engine.networks.size_model import part_for_style, scaled
from cellpose_studio.paths import resource

FloatArray = npt.NDArray[np.float32]
Styles = npt.NDArray[np.float64]

SIDE = 256
"""Side of a view, px: small enough for a fast look."""
_LEAST = 32
"""Smallest side of a view, px."""
SCALES = (1.0, 0.5)
"""At which an image is looked at."""
_MOST_PLANE = 2048
"""Side of the middle of a large plane that views are chosen from, px."""
_SURE = 0.8
"""Chance below which the sentence says what else it may be."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Recogniser:
    """Tells whose training images an image resembles.

    Attributes
    ----------
    network, sha256
        Name of the model whose network gives the styles, and its weights: those of
        other weights would be nonsense.
    names
        Of the models.
    mean, spread
        (S,) of the styles that it was fitted to.
    weights, offsets
        (S, M) and (M,), from scaled styles to the logarithm of a chance.
    """

    network: str
    sha256: str
    names: tuple[str, ...]
    mean: Styles
    spread: Styles
    weights: Styles
    offsets: Styles

    def chances(self, styles: Sequence[Styles]) -> Styles:
        """Return (M,) the chance of each model, for the styles of several views."""
        scaled = (np.array(styles) - self.mean) / self.spread
        logs = scaled @ self.weights + self.offsets
        return np.asarray(softmax(logs.mean(axis=0)))


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The model whose images an image resembles, and how sure that is.

    Attributes
    ----------
    model, chance
        The one that was chosen, and how probably it is the right one, 0 to 1.
    other, other_chance
        The same of the next one.
    diameter
        Of the cells by the size model of the chosen one, px; a run measures it anew.
    """

    model: ModelSpec
    chance: float
    other: ModelSpec
    other_chance: float
    diameter: float

    @property
    def sentence(self) -> str:
        """Which model it is, why, and how sure that is."""
        what = self.model.card.purpose if self.model.card else self.model.description
        text = (
            f"Automatic took {self.model.label} ({self.chance:.0%} sure): the image "
            f"resembles those that it was trained on, {what}; the cells look about "
            f"{self.diameter:.0f} px wide."
        )
        if self.chance >= _SURE:
            return text
        return (
            f"{text} It may also be one for {self.other.label} "
            f"({self.other_chance:.0%}); choose that yourself if the masks are wrong."
        )


def propose_model(
    image: ImageSource,
    models: Sequence[ModelSpec],
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> Proposal:
    """Look at ``image``, and return which of the shipped ``models`` suits it best.

    Its network sees the channels of ``parameters``, which are not empty, on the middle
    plane of the first time point, or on those of the region. It runs on the CPU, so the
    choice is the same on every computer.

    Raises
    ------
    ImageUnreadable, ModelUnusable
    Cancelled
        After a stop.
    """
    recogniser = load_recogniser(resource("models/automatic.npz"))
    known = {model.name: model for model in models}
    if not known.keys() >= {recogniser.network, *recogniser.names}:
        raise _unusable()
    if known[recogniser.network].sha256 != recogniser.sha256:
        raise _unusable()
    specs = [known[name] for name in recogniser.names]
    checkpoint.reached(0, 1, "choosing the model")
    context = StepContext(checkpoint=checkpoint)
    plane = _plane(prepared(image, parameters.preparation, context), parameters)
    network = load(known[recogniser.network], CPU, checkpoint.check)
    with network.watched(checkpoint.check):
        chances = recogniser.chances([network.style(one) for one in views(plane)])
    best, second = np.argsort(-chances)[:2]
    if network.spec != specs[best]:
        network = load(specs[best], CPU, checkpoint.check)
    return Proposal(
        model=specs[best],
        chance=float(chances[best]),
        other=specs[second],
        other_chance=float(chances[second]),
        diameter=_estimate(network, plane, checkpoint),
    )


def views(plane: FloatArray) -> list[FloatArray]:
    """Return the parts of ``plane`` (Y, X, C) that a quick look sees."""
    return [view(plane, scale) for scale in SCALES]


def view(plane: FloatArray, scale: float) -> FloatArray:
    """Return the part of ``plane`` (Y, X, C) that is looked at at a scale."""
    return scaled(part_for_style(plane, round(SIDE / scale)), scale, _LEAST)


def save_recogniser(recogniser: Recogniser, path: Path) -> None:
    """Write a recogniser as an archive of plain arrays."""
    with path.open("wb") as file:
        np.savez(
            file,
            network=np.array(recogniser.network),
            sha256=np.array(recogniser.sha256),
            names=np.array(recogniser.names),
            mean=recogniser.mean.astype(np.float32),
            spread=recogniser.spread.astype(np.float32),
            weights=recogniser.weights.astype(np.float32),
            offsets=recogniser.offsets.astype(np.float32),
        )


def load_recogniser(path: Path) -> Recogniser:
    """Load a recogniser; no code in the file is executed.

    Raises
    ------
    ModelUnusable
        If it is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = {name: file[name] for name in file.files}
        names = tuple(map(str, parts.pop("names")))
        network, sha256 = (str(parts.pop(name)) for name in ("network", "sha256"))
        arrays = {name: part.astype(np.float64) for name, part in parts.items()}
        return Recogniser(network=network, sha256=sha256, names=names, **arrays)
    # Damaged archives can make zlib and NumPy raise many exceptions.
    except Exception as error:
        raise _unusable() from error


def _unusable() -> ModelUnusable:
    return ModelUnusable(
        "What chooses among the models that ship cannot be read.",
        "Choose a model yourself, or install Cellpose Studio again.",
    )


def _estimate(network: Network, plane: FloatArray, checkpoint: Checkpoint) -> float:
    with network.watched(checkpoint.check):
        return estimate_diameter(network, plane)


def _plane(image: ImageSource, parameters: SegmentationParameters) -> FloatArray:
    """Return the network input (Y, X, C) of the middle of a plane."""
    region = parameters.region
    frame = region.frame - 1 if region and region.frame else 0
    plane = region.plane - 1 if region and region.plane else image.planes // 2
    rows, columns = (
        slice(max(0, (n - _MOST_PLANE) // 2), (n + _MOST_PLANE) // 2)
        for n in image.shape[3:]
    )
    t, z = slice(frame, frame + 1), slice(plane, plane + 1)
    chosen, own = parameters.channels, image.own_channels
    needed = needed_channels(chosen, own)
    # What steps make of a channel that is not seen is not computed.
    parts = [
        image.reader.read((t, slice(c, c + 1), z, rows, columns))[0] for c in needed
    ]
    seen = network_input(
        among_needed(chosen, needed),
        np.concatenate(parts),
        parameters.normalization,
        together=False,
        own=own,
    )
    return np.asarray(seen[0], np.float32)

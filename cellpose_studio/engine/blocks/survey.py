"""One look through all pixels of an image, before any of its blocks is run.

It finds the percentiles by which the whole image is normalised, and where the image
shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import (
    LEAST_CONTRAST,
    SAMPLED,
    is_wide,
    offset_of,
    to_float32,
)
from cellpose_studio.core.runs.parameters import GREY, SegmentationParameters
from cellpose_studio.engine.flows.boxes import Box, shape_of
from cellpose_studio.engine.flows.holes import FLAT, sampling_steps
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.prepared import prepared
from cellpose_studio.engine.flows.prepare import needed_channels

FloatArray = npt.NDArray[np.float32]

COARSE = 32
"""Side of the squares of which a coarse look sees the darkest and brightest mean."""

_FINE = 4
"""Side of the squares that are averaged: less noise, but no cell is lost in them."""

_BAND = 2**23
"""Pixels that are read at once."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How one input of the network is scaled: 0 at ``dark``, 1 at ``bright``.

    Attributes
    ----------
    has_contrast
        Otherwise all pixels become 0, as in Cellpose.
    constant
        Whether all pixels are the same.
    """

    dark: Any
    bright: Any
    has_contrast: bool
    constant: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class Survey:
    """What a look through the image found.

    Attributes
    ----------
    offsets
        By time point and channel of the image what is subtracted before float32.
    scales
        By time point, group of planes, and input.
    low, high
        (T, Z, inputs, Y / COARSE, X / COARSE) least and largest mean of a small square.
    """

    offsets: dict[tuple[int, int], Any]
    scales: dict[tuple[int, int, int], Scale]
    low: FloatArray
    high: FloatArray


class NormalizedImage:
    """The input of a network, box by box.

    As `engine.flows.prepare.network_input` gives it, of an image without filters.
    """

    def __init__(
        self,
        image: ImageSource,
        parameters: SegmentationParameters,
        survey: Survey | None = None,
        context: StepContext | None = None,
    ) -> None:
        self.image = image
        self._seen = prepared(image, parameters.preparation, context)
        self.inputs = len(parameters.channels)
        self._normalization = parameters.normalization
        self._channels = parameters.channels
        self._needed = needed_channels(self._channels, image.channels)
        self._together = parameters.do_3D or (
            parameters.stitch_threshold > 0 and parameters.normalization.norm3D
        )
        _, _, z, y, x = image.shape
        self.shape = (z, y, x)
        self._survey = survey

    @property
    def survey(self) -> Survey:
        """What `look` found."""
        assert self._survey is not None
        return self._survey

    def read(self, t: int, box: Box) -> FloatArray:
        """Return a box (z, y, x, inputs) of a time point."""
        raw = self._raw(t, box, self.survey.offsets)
        holes = ~np.isfinite(raw)
        if self._normalization.normalize:
            for n, values in enumerate(raw):
                for plane, z in zip(
                    values, range(box[0].start, box[0].stop), strict=True
                ):
                    self._scale(self.survey.scales[t, self._group(z), n], plane)
        raw[holes] = 0
        return np.ascontiguousarray(np.moveaxis(raw, 0, -1))

    def is_empty(self, t: int, box: Box) -> bool:
        """Return whether a coarse look at a box of a time point shows nothing."""
        z, y, x = box
        survey = self.survey
        rows, columns = (
            slice(span.start // COARSE, -(-span.stop // COARSE)) for span in (y, x)
        )
        for plane in range(z.start, z.stop):
            for n in range(self.inputs):
                scale = survey.scales[t, self._group(plane), n]
                if self._normalization.normalize and not scale.has_contrast:
                    continue
                low = survey.low[t, plane, n, rows, columns].min()
                high = survey.high[t, plane, n, rows, columns].max()
                # What the network sees as it is may have any scale.
                share = LEAST_CONTRAST if self._normalization.normalize else 0.0
                # Infinite where no pixel is a number.
                if high - low > share * (scale.bright - scale.dark):
                    return False
        return True

    def look(self, checkpoint: Checkpoint) -> None:
        """Look through all pixels.

        Raises
        ------
        ImageUnreadable
            If the image cannot be read.
        Cancelled
            After a stop.
        """
        frames, _, depth, height, width = self.image.shape
        squares = (-(-height // COARSE), -(-width // COARSE))
        low = np.full((frames, depth, self.inputs, *squares), np.inf, np.float32)
        high = -low
        offsets: dict[tuple[int, int], Any] = {}
        scales: dict[tuple[int, int, int], Scale] = {}
        bands = self._bands()
        total, done = frames * depth * len(bands), 0
        for t in range(frames):
            samples = self._samples()
            if self._normalization.normalize:
                offsets |= {(t, c): self._offset(t, c) for c in self._needed}
            for z in range(depth):
                for band in bands:
                    checkpoint.reached(done, total, "looking through the image")
                    done += 1
                    box = (slice(z, z + 1), band, slice(0, width))
                    raw = self._raw(t, box, offsets)[:, 0]
                    at = slice(band.start // COARSE, -(-band.stop // COARSE))
                    for n, values in enumerate(raw):
                        samples[self._group(z), n].add(values, z, band.start)
                        _see(values, low[t, z, n, at], high[t, z, n, at])
            for (group, n), sample in samples.items():
                found = sample.scale(self._normalization.percentile)
                scales[t, group, n] = found
        self._survey = Survey(offsets=offsets, scales=scales, low=low, high=high)

    def _bands(self) -> list[slice]:
        _, height, width = self.shape
        rows = max(COARSE, _BAND // width // COARSE * COARSE)
        return [slice(y, min(y + rows, height)) for y in range(0, height, rows)]

    def _samples(self) -> dict[tuple[int, int], _Sample]:
        depth, height, width = self.shape
        group = (depth if self._together else 1, height, width)
        numbers = {self._group(z) for z in range(depth)}
        return {
            (number, n): _Sample(sampling_steps(group))
            for number in numbers
            for n in range(self.inputs)
        }

    def _group(self, z: int) -> int:
        """Return the number of the planes that are normalised together with one."""
        return 0 if self._together else z

    def _offset(self, t: int, c: int) -> Any:
        """Return what is to be subtracted from a channel; None for most."""
        if not is_wide(self._seen.dtype):
            return None
        depth, height, width = self.shape
        step = max(1, depth * height * width // SAMPLED)
        parts, at = [], 0
        for z in range(depth):
            for band in self._bands():
                region = (slice(t, t + 1), slice(c, c + 1), slice(z, z + 1), band)
                flat = self._seen.reader.read((*region, slice(0, width))).reshape(-1)
                parts.append(flat[-at % step :: step])
                at += len(flat)
        return offset_of(np.concatenate(parts))

    def _raw(self, t: int, box: Box, offsets: dict[tuple[int, int], Any]) -> FloatArray:
        """Return the inputs (inputs, z, y, x) before they are scaled."""
        frame = slice(t, t + 1)
        found = np.zeros((self.inputs, *shape_of(box)), np.float32)
        parts = {}
        for c in self._needed:
            pixels = self._seen.reader.read((frame, slice(c, c + 1), *box))[0, 0]
            parts[c] = to_float32(pixels, offsets.get((t, c)))
        for n, channel in enumerate(self._channels):
            if channel == GREY:
                own = [parts[c] for c in range(self.image.channels)]
                found[n] = np.stack(own).mean(0, dtype=np.float32)
            elif channel is not None:
                found[n] = parts[channel - 1]
        return found

    def _scale(self, scale: Scale, plane: FloatArray) -> None:
        """Scale one input of a plane in place."""
        if scale.has_contrast:
            plane -= scale.dark
            plane /= scale.bright - scale.dark
        else:
            plane[:] = 0
        if self._normalization.invert and not scale.constant:
            np.subtract(np.float32(1), plane, out=plane)


@dataclass(eq=False)
class _Sample:
    """Pixels of one input, from which its percentiles are taken, as in Cellpose."""

    steps: tuple[int, ...]
    low: float = np.inf
    high: float = -np.inf
    parts: list[FloatArray] = field(default_factory=list)

    def add(self, values: FloatArray, z: int, row: int) -> None:
        """Take up a band (y, x) that begins in a ``row``."""
        finite = values[np.isfinite(values)]
        if finite.size:
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))
        planes, rows, columns = self.steps
        # Planes that are no group have steps of 1.
        if z % planes == 0:
            thin = values[-row % rows :: rows, ::columns].reshape(-1)
            self.parts.append(thin[np.isfinite(thin)])

    def scale(self, percentile: tuple[float, float]) -> Scale:
        values = np.concatenate(self.parts)
        if not values.size or self.high <= self.low:
            return Scale(dark=0, bright=0, has_contrast=False, constant=True)
        dark, bright = (np.percentile(values, share) for share in percentile)
        return Scale(
            dark=dark,
            bright=bright,
            has_contrast=bool(bright - dark > FLAT),
            constant=False,
        )


@compiled
def _see(values: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """Write the least and the largest mean of small squares in each larger one."""
    height, width = values.shape
    for top in range(0, height, _FINE):
        for left in range(0, width, _FINE):
            total, count = 0.0, 0
            for y in range(top, min(top + _FINE, height)):
                for x in range(left, min(left + _FINE, width)):
                    if np.isfinite(values[y, x]):
                        total += values[y, x]
                        count += 1
            if count:
                mean = np.float32(total / count)
                row, column = top // COARSE, left // COARSE
                low[row, column] = min(low[row, column], mean)
                high[row, column] = max(high[row, column], mean)

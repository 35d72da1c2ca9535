"""The channels of an image as measurements read them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.measure.inputs import Channel, Region


@dataclass(frozen=True)
class ChannelRegions:
    """One channel of an image in the shape of its label image.

    Only the region that is indexed is read, and pixels that are no numbers stay.
    """

    image: ImageSource
    channel: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a label image."""
        return self.image.label_shape

    def __getitem__(self, region: Region) -> npt.NDArray[np.generic]:
        """Return the pixels of a region, which has a slice for each axis."""
        t, _, z, _, _ = self.image.shape
        lead = list(region[:-2])
        times = lead.pop(0) if t > 1 else slice(0, 1)
        planes = lead.pop(0) if z > 1 else slice(0, 1)
        channels = slice(self.channel, self.channel + 1)
        found = self.image.reader.read((times, channels, planes, *region[-2:]))
        t, _, z, y, x = found.shape
        kept = [
            n
            for n, full in zip((t, z), self.image.shape[0:3:2], strict=True)
            if full > 1
        ]
        return found.reshape(*kept, y, x)


def channels_of(
    image: ImageSource, numbers: Collection[int] | None = None
) -> list[Channel]:
    """Return the channels of an image, or some of them, with their calibration.

    Raises
    ------
    ImageUnreadable
        If the file has to be opened for the calibration, and cannot be.
    """
    wanted = range(image.channels) if numbers is None else sorted(numbers)
    return [
        Channel(
            pixels=ChannelRegions(image, number),
            name=image.channel_names[number],
            grey=image.grey_calibration,
        )
        for number in wanted
    ]

"""The size of the image that masks belong to, which files of regions do not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from cellpose_studio.core.images.image import ImageSource


@dataclass(frozen=True, kw_only=True)
class ImageExtent:
    """Lengths of the axes of an image.

    Attributes
    ----------
    name
        File name of the image, by which files that describe several know it; "" if it
        is not known.
    frames, channels, planes, height, width
        Lengths of the axes; the colours of a colour image are one channel.
    """

    name: str = ""
    frames: int = 1
    channels: int = 1
    planes: int = 1
    height: int
    width: int

    @classmethod
    def of(cls, image: ImageSource) -> Self:
        """Return the extent of an image."""
        frames, channels, planes, height, width = image.shape
        return cls(
            name=image.path.name,
            frames=frames,
            channels=1 if image.rgb else channels,
            planes=planes,
            height=height,
            width=width,
        )

    @classmethod
    def of_labels(cls, shape: tuple[int, ...], axes: str) -> Self:
        """Return the extent of labels with ``axes`` YX, ZYX, TYX or TZYX."""
        length = dict(zip(axes, shape, strict=True))
        return cls(
            frames=length.get("T", 1),
            planes=length.get("Z", 1),
            height=length["Y"],
            width=length["X"],
        )

    @property
    def label_axes(self) -> str:
        """Axes of labels: YX, ZYX, TYX or TZYX."""
        lengths = zip("TZ", (self.frames, self.planes), strict=True)
        return "".join(axis for axis, n in lengths if n > 1) + "YX"

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Shape of labels with `label_axes`."""
        length = {"T": self.frames, "Z": self.planes, "Y": self.height, "X": self.width}
        return tuple(length[axis] for axis in self.label_axes)

"""Display settings of the images of a project, as the user has set them."""

from __future__ import annotations

from collections.abc import Sequence

from cellpose_studio.core.display.channel_display import (
    ChannelDisplay,
    stored_displays,
)


class DisplayMemory:
    """Remembers the settings of channels by the ids of images."""

    def __init__(self) -> None:
        self._displays: dict[int, list[ChannelDisplay]] = {}

    def keep(self, image: int, displays: Sequence[ChannelDisplay]) -> None:
        """Remember the settings of all channels of an image."""
        self._displays[image] = list(displays)

    def of(self, image: int, channels: int) -> list[ChannelDisplay]:
        """Return the settings of an image; [] if it has others than ``channels``."""
        displays = self._displays.get(image, [])
        return displays if len(displays) == channels else []

    def forget(self) -> None:
        """Forget all images: the ids are those of one project."""
        self._displays.clear()

    def state(self) -> dict[str, object]:
        """Return what is stored in the project."""
        return {
            str(image): [display.model_dump(mode="json") for display in displays]
            for image, displays in self._displays.items()
        }

    def load(self, state: object) -> None:
        """Take what was stored; a damaged project may hold any value."""
        self._displays = stored_displays(state)

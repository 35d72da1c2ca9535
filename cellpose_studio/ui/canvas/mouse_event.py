"""Where the mouse is in an image, and what listens to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LEFT, RIGHT = 1, 2


@dataclass(frozen=True)
class MouseEvent:
    """A position of the mouse over the image.

    Attributes
    ----------
    position
        In pixels along each axis of the masks; 0 is the middle of the first pixel.
    button
        `LEFT` or `RIGHT`; 0 while none is down.
    modifiers
        "Control", "Shift", "Alt".
    reach
        How many pixels of the image a few pixels of the screen are.
    """

    position: tuple[float, ...]
    button: int
    modifiers: frozenset[str]
    reach: float

    @property
    def pixel(self) -> tuple[int, ...]:
        """The pixel that it is on; may lie outside the image."""
        return tuple(round(p) for p in self.position)

    @property
    def point(self) -> tuple[float, float]:
        """Y and X within the plane."""
        return self.position[-2], self.position[-1]


class MouseHandler(Protocol):
    """What the canvas tells of the mouse."""

    def press(self, pointer: MouseEvent) -> bool:
        """Return whether the drag that may follow is taken; else it moves the view."""
        ...

    def drag(self, pointer: MouseEvent) -> None:
        """Hear of each move with a button down."""
        ...

    def release(self, pointer: MouseEvent, moved: bool) -> None:
        """Hear of the end; ``moved`` is False for a click."""
        ...

    def hover(self, pointer: MouseEvent) -> None:
        """Hear of each move without a button."""
        ...

    def double_click(self, pointer: MouseEvent) -> None:
        """Hear of a double click."""
        ...

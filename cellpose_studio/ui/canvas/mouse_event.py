"""Mouse events in pixels of the image, and the protocol of their handler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LEFT = 1


@dataclass(frozen=True)
class MouseEvent:
    """A position of the mouse over the image, with buttons and modifiers.

    Attributes
    ----------
    position
        In pixels along each axis of the masks; 0 is the centre of the first pixel.
    button
        1 is `LEFT`, 2 right, 3 middle; 0 while none is down.
    modifiers
        "Control", "Shift", "Alt".
    reach
        Tolerance of a click, in pixels of the image.
    erases
        Whether it is the end of a pen that erases.
    pressure
        Of a pen that is down, 0 to 1; None for a mouse.
    """

    position: tuple[float, ...]
    button: int
    modifiers: frozenset[str]
    reach: float
    erases: bool = False
    pressure: float | None = None

    @property
    def pixel(self) -> tuple[int, ...]:
        """Index of the pixel; may lie outside the image."""
        return tuple(round(p) for p in self.position)

    @property
    def point(self) -> tuple[float, float]:
        """Y and X within the plane."""
        return self.position[-2], self.position[-1]


class MouseHandler(Protocol):
    """Receives the mouse events of the canvas."""

    @property
    def drawing(self) -> bool:
        """Whether moves without a button draw a line, so that none may be left out."""
        ...

    def press(self, event: MouseEvent) -> bool:
        """Return whether to receive the drag that may follow; else it pans the view."""
        ...

    def drag(self, event: MouseEvent) -> None:
        """Handle a move with a button down."""
        ...

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Handle the release of the button; ``moved`` is False for a click."""
        ...

    def hover(self, event: MouseEvent) -> None:
        """Handle a move without a button."""
        ...

    def double_click(self, event: MouseEvent) -> None:
        """Handle a double click."""
        ...

"""What to ask about a file whose axes are ambiguous."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AxesQuestion:
    """A file that does not say which axis is which.

    Attributes
    ----------
    path
        The file.
    shape
        Lengths of its axes as they stand in the file.
    guess
        The likeliest axes, one letter of TCZYX (or S, for colours) per axis.
    choices
        Every sensible answer, the guess first, with a description in words:
        ("ZYX", "12 planes of a stack").
    """

    path: Path
    shape: tuple[int, ...]
    guess: str
    choices: tuple[tuple[str, str], ...]

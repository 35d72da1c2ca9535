"""The question to the user about a file with ambiguous axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AxesQuestion:
    """A file whose metadata do not define its axes.

    Attributes
    ----------
    path
        The file.
    shape
        Lengths of its axes in the order of the file.
    guess
        The likeliest axes, one letter of TCZYX (or S, for colours) per axis.
    choices
        Every sensible answer, the guess first, with a description:
        ("ZYX", "12 planes of a stack").
    """

    path: Path
    shape: tuple[int, ...]
    guess: str
    choices: tuple[tuple[str, str], ...]

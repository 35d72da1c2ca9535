"""The option for axes that files do not define, and the question about them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable

_MOST_CHOICES = 4


def add_axes(parser: argparse.ArgumentParser) -> None:
    """Add ``--axes``."""
    parser.add_argument("--axes", help="axes of files that lack them: ZYX, TYX, CYX …")


@contextmanager
def asking_for_axes() -> Iterator[None]:
    """Turn `AxesAmbiguous` into an error whose hint names ``--axes``.

    Raises
    ------
    ImageUnreadable
    """
    try:
        yield
    except AxesAmbiguous as ambiguous:
        choices = ambiguous.question.choices[:_MOST_CHOICES]
        examples = " or ".join(f"--axes {axes} ({words})" for axes, words in choices)
        raise ImageUnreadable(ambiguous.message, f"Add {examples}.") from ambiguous

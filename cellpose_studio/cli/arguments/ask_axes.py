"""The question about axes that a file does not define, as an option to add."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable

_MOST_CHOICES = 4


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

"""Which of many parameters are tried each time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def quick_first(number: int, values: Iterable[Any]) -> list[Any]:
    """Return parameters of a test, of which all but the first are slow ones."""
    return [
        value if n < number else pytest.param(value, marks=pytest.mark.slow)
        for n, value in enumerate(values)
    ]

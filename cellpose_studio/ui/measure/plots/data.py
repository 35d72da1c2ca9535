"""What the plots of measurements draw: bins, groups, and points beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

_FEWEST_BINS, _MOST_BINS = 5, 60
MOST_GROUPS = 8
"""Groups that can be told apart by their colours; the others are one group."""
OTHERS = "others"
WITHOUT = "none"


@dataclass(frozen=True, eq=False, kw_only=True)
class Groups:
    """The group of each row.

    Attributes
    ----------
    codes
        (N,) index of the name.
    names
        In natural order: numbers by their size.
    colours
        "#rrggbb" by the name, of groups that have a colour of their own.
    """

    codes: Codes
    names: tuple[str, ...]
    colours: Mapping[str, str] = field(default_factory=dict)


def bin_edges(values: Values) -> Values:
    """Return the edges of the bins of a histogram, at equal distances.

    Their width is that of Freedman and Diaconis, 2 × interquartile range / N^(1/3),
    within limits: a few values far away must not make thousands of bins.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.array([0.0, 1.0])
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return np.array([low - 0.5, low + 0.5])
    first, third = np.percentile(finite, [25, 75])
    width = 2 * (third - first) / len(finite) ** (1 / 3)
    count = (high - low) / width if width > 0 else _FEWEST_BINS
    bins = int(np.clip(np.ceil(count), _FEWEST_BINS, _MOST_BINS))
    # Whole numbers are counted one by one where they fit.
    if np.array_equal(finite, np.round(finite)) and high - low < _MOST_BINS:
        return np.arange(low - 0.5, high + 1)
    return np.linspace(low, high, bins + 1)


def groups_of(values: npt.NDArray[np.str_]) -> Groups:
    """Return the groups of texts; the smallest of too many are one."""
    names, codes, counts = _different(values)
    order = sorted(range(len(names)), key=lambda n: _natural(str(names[n])))
    if len(names) > MOST_GROUPS:
        largest = set(np.argsort(-counts, kind="stable")[: MOST_GROUPS - 1].tolist())
        order = [n for n in order if n in largest]
    place = np.full(len(names), len(order), np.int64)
    place[order] = np.arange(len(order))
    shown = [str(names[n]) or WITHOUT for n in order]
    if len(order) < len(names):
        shown.append(OTHERS)
    return Groups(codes=place[codes], names=tuple(shown))


def beside(groups: Groups) -> Values:
    """Return (N,) X of points that stand side by side around that of their group.

    The same rows always have the same place; one alone stands in the middle.
    """
    counts = np.bincount(groups.codes, minlength=1)
    steps = np.arange(len(groups.codes), dtype=np.float64)
    # Multiples of the golden ratio are spread evenly, without a pattern.
    spread = steps * ((5**0.5 - 1) / 2) % 1
    return groups.codes + (spread - 0.5) * 0.6 * (counts[groups.codes] > 1)


def _different(
    values: npt.NDArray[np.str_],
) -> tuple[list[str], Codes, npt.NDArray[np.int64]]:
    """Return the different texts, sorted, the place of each row's, and its number.

    NumPy would sort the texts of all rows, which takes ten times as long where few
    differ.
    """
    texts = values.tolist()
    names = sorted(set(texts))
    places = {name: place for place, name in enumerate(names)}
    codes = np.array([places[text] for text in texts], np.int64)
    return names, codes, np.bincount(codes, minlength=len(names))


def _natural(name: str) -> tuple[bool, float, str]:
    try:
        return False, float(name.replace(",", ".")), name
    except ValueError:
        return True, 0.0, name.casefold()

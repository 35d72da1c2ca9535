"""What a user types to see some cells only: "area<50 border", "uncertainty >= 0.5"."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.review.columns import column_named

Values = npt.NDArray[np.float64]

_COMPARISONS: dict[str, Callable[[Values, float], npt.NDArray[np.bool_]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_TERM = re.compile(
    r"\s*(?P<number>\d+)(?!\S)"
    r"|\s*(?P<name>[a-z]+(?: [a-z]+)*?)\s*(?P<sign><=|>=|!=|<|>|==?)\s*"
    r"(?P<value>[+-]?(?:\d+\.?\d*|\.\d+))\s*(?P<percent>%?)(?!\S)"
    r"|\s*(?P<word>[a-z]+)(?!\S)"
)


@dataclass(frozen=True)
class Term:
    """One condition: a column, how to compare, and with what."""

    name: str
    sign: str
    value: float

    def holds(self, values: Values) -> npt.NDArray[np.bool_]:
        """Tell for which cells it holds; for none where the value is not known."""
        # NaN differs from every number, so "!=" would hold for unknown values.
        return _COMPARISONS[self.sign](values, self.value) & ~np.isnan(values)


def parsed(text: str) -> tuple[Term, ...]:
    """Return the conditions on columns in ``text``; all of them have to hold.

    A number alone is a cell, the name of a column alone stands for yes.

    Raises
    ------
    ValueError
        With a sentence that says what is not understood.
    """
    rest, terms = re.sub(r",|\band\b", " ", text.casefold()).strip(), []
    while rest:
        found = _TERM.match(rest)
        if found is None:
            raise ValueError(f'"{rest}" is not understood. Write it as in area<50.')
        terms.append(_term(found))
        rest = rest[found.end() :].strip()
    return tuple(terms)


def which(
    terms: tuple[Term, ...], columns: Mapping[str, Values], size: int
) -> npt.NDArray[np.bool_]:
    """Return (size,), for which cells all conditions hold."""
    kept = np.ones(size, bool)
    for term in terms:
        kept &= term.holds(columns[term.name])
    return kept


def _term(found: re.Match[str]) -> Term:
    if found["number"]:
        return Term("cell", "=", float(found["number"]))
    word = found["name"] or found["word"]
    column = column_named(word)
    if column is None:
        raise ValueError(f'There is no column "{word}".')
    if found["word"]:
        return Term(column.name, ">", 0.0)
    value = float(found["value"]) / (100 if found["percent"] else 1)
    return Term(column.name, found["sign"].replace("==", "="), value)

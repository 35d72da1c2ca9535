"""What a user types to see some cells only: "area<50 border", "uncertainty >= 0.5"."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.review.columns import column_named

Values = npt.NDArray[Any]
Find = Callable[[str], str | None]
"""Returns the name of the column that a word stands for; None if there is none."""

_COMPARISONS: dict[str, Callable[[Values, Any], npt.NDArray[np.bool_]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_NAME = r"[^\W\d]\w*"
_TERM = re.compile(
    r"\s*(?P<number>\d+)(?!\S)"
    rf"|\s*(?P<name>{_NAME}(?: \w+)*?)\s*(?P<sign><=|>=|!=|<|>|==?)\s*"
    r"(?:(?P<value>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?P<percent>%?)(?!\S)"
    r'|"(?P<quoted>[^"]*)"|(?P<text>[^\s<>=!"]+))'
    rf"|\s*(?P<word>{_NAME})(?!\S)"
)
_QUOTED = re.compile(r'("[^"]*")')
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_THOUSANDS = re.compile(r"\d,\d{3}(?!\d)")


@dataclass(frozen=True)
class Term:
    """One condition: a column, how to compare, and with what."""

    name: str
    sign: str
    value: float | str

    def holds(self, values: Values) -> npt.NDArray[np.bool_]:
        """Tell for which cells it holds; for none where the value is not known."""
        compare = _COMPARISONS[self.sign]
        if values.dtype.kind == "U":
            words = np.char.lower(values)
            return np.asarray(compare(words, str(self.value)), bool) & (words != "")
        # NaN differs from every number, so "!=" would hold for unknown values.
        return compare(values, self.value) & ~np.isnan(values)


def review_column(word: str) -> str | None:
    """Return the name of a column of the review that ``word`` stands for."""
    column = column_named(word)
    return column.name if column is not None else None


def parsed(
    text: str, find: Find = review_column, texts: frozenset[str] = frozenset()
) -> tuple[Term, ...]:
    """Return the conditions on columns in ``text``; all of them have to hold.

    A number alone is a cell, the name of a column alone stands for yes. A decimal
    comma is a decimal point. What stands in quotation marks is a text as it is.

    Parameters
    ----------
    find
        Finds the columns.
    texts
        Names of the columns whose values are texts.

    Raises
    ------
    ValueError
        With a sentence that says what is not understood.
    """
    # As the values of columns; to fold the case would change more letters.
    pieces = _QUOTED.split(text.lower())
    pieces[::2] = map(_spread, pieces[::2])
    rest, terms = "".join(pieces).strip(), []
    while rest:
        term = _TERM.match(rest)
        if term is None:
            raise ValueError(f'"{rest}" is not understood. Write it as in area<50.')
        terms.append(_term(term, find, texts))
        rest = rest[term.end() :].strip()
    return tuple(terms)


def _spread(text: str) -> str:
    """Return what stands outside of quotation marks, with blanks between conditions."""
    if found := _THOUSANDS.search(text):
        raise ValueError(
            f'"{found[0]}" may be two numbers. Write numbers without separators.'
        )
    return re.sub(r",|\band\b", " ", _DECIMAL_COMMA.sub(".", text))


def which(
    terms: tuple[Term, ...], columns: Mapping[str, Values], size: int
) -> npt.NDArray[np.bool_]:
    """Return (size,), for which cells all conditions hold."""
    kept = np.ones(size, bool)
    for term in terms:
        kept &= term.holds(columns[term.name])
    return kept


def _term(found: re.Match[str], find: Find, texts: frozenset[str]) -> Term:
    if found["number"]:
        return Term("cell", "=", float(found["number"]))
    word = found["name"] or found["word"]
    name = find(word)
    if name is None:
        raise ValueError(f'There is no column "{word}".')
    if found["word"]:
        return Term(name, "!=", "") if name in texts else Term(name, ">", 0.0)
    sign = found["sign"].replace("==", "=")
    if name in texts:
        written = found["quoted"] if found["quoted"] is not None else found["text"]
        if written is None:
            written = found.string[found.start("value") : found.end("percent")].strip()
        return Term(name, sign, written)
    if found["value"] is None:
        raise ValueError(f'"{found[0].strip()}" is not understood: give a number.')
    value = float(found["value"]) / (100 if found["percent"] else 1)
    return Term(name, sign, value)

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
    r"(?:(?P<value>[+-]?(?:\d+[.,]?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?P<percent>%?)(?!\S)"
    r'|"(?P<quoted>[^"]*)"|(?P<text>[^\s<>=!"]+))'
    rf"|\s*(?P<word>{_NAME})(?!\S)"
)
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)
_QUOTED = re.compile(r'("[^"]*")')
_COMMA = re.compile(r"(?<!\d),|,(?!\d)")
"""A comma between conditions; one between digits is that of a number or a text."""
_THOUSANDS = re.compile(r"\d,\d{3}(?!\d)")


@dataclass(frozen=True)
class Term:
    """One condition: a column, how to compare, and with what.

    A column of texts is compared with a number by the numbers that its texts are: "0,5"
    is 0.5, and "10" is more than 9. What is no number differs from all numbers.
    """

    name: str
    sign: str
    value: float | str

    def holds(self, values: Values) -> npt.NDArray[np.bool_]:
        """Tell for which cells it holds; for none where the value is not known."""
        compare = _COMPARISONS[self.sign]
        if values.dtype.kind == "U" and isinstance(self.value, str):
            words = np.char.lower(values)
            return np.asarray(compare(words, self.value), bool) & (words != "")
        if values.dtype.kind == "U":
            numbers = _numbers(values)
            is_other = np.isnan(numbers) & (values != "") & (self.sign == "!=")
            return (compare(numbers, self.value) & ~np.isnan(numbers)) | is_other
        # NaN differs from every number, so "!=" would hold for unknown values.
        return compare(values, self.value) & ~np.isnan(values)


def _numbers(words: Values) -> npt.NDArray[np.float64]:
    """Return the numbers that texts are; NaN for others."""
    several, place = np.unique(words, return_inverse=True)
    return np.array([_number(word) for word in several.tolist()], float)[place]


def _number(word: str) -> float:
    # Python also reads "nan", "infinity" and "1_000" as numbers.
    if not _NUMBER.fullmatch(word.strip()):
        return np.nan
    return float(word.replace(",", "."))


def review_column(word: str) -> str | None:
    """Return the name of a column of the review that ``word`` stands for."""
    column = column_named(word)
    return column.name if column is not None else None


def parsed(
    text: str, find: Find = review_column, texts: frozenset[str] = frozenset()
) -> tuple[Term, ...]:
    """Return the conditions on columns in ``text``; all of them have to hold.

    A number alone is a cell, the name of a column alone stands for yes. A decimal
    comma is a decimal point. What stands in quotation marks is a text as it is; a text
    with a blank or a comma needs them.

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
        try:
            terms.append(_term(term, find, texts))
        except ValueError as error:
            # What follows a text may be a part of it.
            if not (terms and terms[-1].name in texts and term["word"]):
                raise
            said = f"{error} A text with a blank or a comma needs quotation marks."
            raise ValueError(said) from error
        rest = rest[term.end() :].strip()
    return tuple(terms)


def _spread(text: str) -> str:
    """Return what stands outside of quotation marks, with blanks between conditions."""
    if found := _THOUSANDS.search(text):
        raise ValueError(
            f'"{found[0]}" may be two numbers. Write numbers without separators, and '
            "texts in quotation marks."
        )
    return re.sub(r"\band\b", " ", _COMMA.sub(" ", text))


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
        if written is not None:
            return Term(name, sign, written)
        if found["percent"]:
            # No spreadsheet has such a text as a number.
            whole = found.string[found.start("value") : found.end("percent")]
            return Term(name, sign, whole)
        return Term(name, sign, _number(found["value"]))
    if found["value"] is None:
        raise ValueError(f'"{found[0].strip()}" is not understood: give a number.')
    value = _number(found["value"]) / (100 if found["percent"] else 1)
    return Term(name, sign, value)

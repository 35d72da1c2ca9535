"""Axes of files whose metadata do not define them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.core.images.axes import AxesQuestion
from cellpose_studio.io.images.stored_image import Stored

_LETTERS = "TCZYXS"

# Images rarely have more channels than this, and stacks rarely fewer planes.
_FEW = 5

# The fourth sample is transparency.
_COLOUR_SAMPLES = (3, 4)

_WORDS = {
    "T": ("time point", "time points"),
    "Z": ("plane of a stack", "planes of a stack"),
    "C": ("channel", "channels"),
}


def resolve_axes(path: Path, stored: Stored, answer: str | None) -> Stored:
    """Return ``stored`` with all its axes known, from ``answer`` if necessary.

    Axes that the metadata define take precedence over ``answer``.

    Raises
    ------
    AxesAmbiguous
        If the axes are not known and there is no answer.
    ImageUnreadable
        If the answer does not fit, or there are too many axes.
    """
    if _known(stored.axes):
        return stored
    if answer is None:
        raise AxesAmbiguous(question_of(path, stored))
    axes = answer.strip().upper()
    _check(path, stored, axes)
    # The file itself says how many samples are used, as long as the answer leaves S
    # where it is.
    if axes.find("S") == stored.axes.find("S"):
        return replace(stored, axes=axes)
    colour = "S" in axes
    return replace(stored, axes=axes, colour=colour, samples=3 if colour else 1)


def _known(axes: str) -> bool:
    return set(axes) <= set(_LETTERS) and len(set(axes)) == len(axes)


def _check(path: Path, stored: Stored, axes: str) -> None:
    shape, colours = stored.shape, axes.find("S")
    if not _known(axes) or not {"Y", "X"} <= set(axes):
        reason = "allowed are Y, X and any of T, C, Z and S, each of them once"
    elif len(axes) != len(shape):
        reason = f"the image has {len(shape)} axes, of the lengths {_lengths(shape)}"
    elif colours not in (-1, stored.axes.find("S")) and (
        shape[colours] not in _COLOUR_SAMPLES
    ):
        reason = f"S stands for 3 or 4 colours, but there are {shape[colours]}"
    else:
        return
    raise ImageUnreadable(
        f"The axes of {path.name} cannot be {axes or 'none'}: {reason}.",
        "Give one letter per axis, such as ZYX or TYX.",
    )


def question_of(path: Path, stored: Stored) -> AxesQuestion:
    """Return what to ask about the axes that ``stored`` leaves open.

    Raises
    ------
    ImageUnreadable
        If there are more axes than we have names for.
    """
    choices = _choices(stored.axes, stored.shape)
    if not choices:
        raise ImageUnreadable(
            f"{path.name} has {len(stored.shape)} axes, of the lengths "
            f"{_lengths(stored.shape)}, and its metadata do not define them.",
            "Save it as OME-TIFF with time points, channels and planes.",
        )
    # Sorting is stable, so the other choices stay in the order of their plausibility.
    choices.sort(key=lambda axes: axes != stored.likely)
    described = tuple((axes, _in_words(axes, stored.shape)) for axes in choices)
    return AxesQuestion(path, stored.shape, choices[0], described)


def _choices(axes: str, shape: tuple[int, ...]) -> list[str]:
    """Return every possible choice of axes; those that the file defines are kept.

    In an array without metadata, the axes that the reader takes for rows and columns
    may be colours or channels, which can come first or last.
    """
    named_once = all(axes.count(axis) == 1 for axis in axes if axis in _LETTERS)
    if not named_once or not {"Y", "X"} <= set(axes):
        axes = "?" * (len(axes) - 2) + "YX"
    layouts = [axes]
    if "S" not in axes and len(axes) > 2:
        # A last axis as short as this is hardly the width of an image.
        if shape[-1] <= _FEW:
            last = "S" if shape[-1] in _COLOUR_SAMPLES else "C"
            layouts.append("?" * (len(axes) - 3) + "YX" + last)
        if len(axes) == 3 and shape[0] in _COLOUR_SAMPLES:
            layouts.append("SYX")
    named = [choice for layout in layouts for choice in _named(layout)]
    return sorted(named, key=lambda choice: _implausibility(choice, shape))


def _named(layout: str) -> list[str]:
    """Fill the unknown axes of a layout with the remaining letters."""
    known = set(layout) & set(_LETTERS)
    open_axes = [n for n, axis in enumerate(layout) if axis not in known]
    # Colours become channels, so another axis of channels is not offered beside them.
    left = [a for a in "ZTC" if a not in known and not (a == "C" and "S" in known)]
    filled = []
    for letters in permutations(left, len(open_axes)):
        named = list(layout)
        for n, letter in zip(open_axes, letters, strict=True):
            named[n] = letter
        filled.append("".join(named))
    return filled


def _implausibility(axes: str, shape: tuple[int, ...]) -> tuple[int, int, bool, int]:
    """Return a sort key for a choice of axes, the most important criterion first.

    Planes are more than a few pixels wide, channels are few, planes and time points
    are many, a stack is likelier than a time series, and most programs write the
    axes in the order of ImageJ.
    """
    length = dict(zip(axes, shape, strict=True))
    slivers = sum(length[axis] <= _FEW for axis in "YX")
    odd = sum((n > _FEW) == (a == "C") for a, n in length.items() if a in "TZC")
    places = ["TZCYXS".index(axis) for axis in axes]
    unusual = sum(before > after for before, after in combinations(places, 2))
    return slivers, odd, "T" in axes and "Z" not in axes, unusual


def _in_words(axes: str, shape: tuple[int, ...]) -> str:
    parts = [
        f"{n} {_WORDS[axis][n != 1]}"
        for axis, n in zip(axes, shape, strict=True)
        if axis in _WORDS
    ]
    if "S" in axes:
        parts.append("a colour picture" if not parts else "in colour")
    return ", ".join(parts)


def _lengths(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))

"""Options as Cellpose's own command line spells them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

_UNUSED = ("--use_gpu", "--verbose", "--no_npy")
"""Options without a meaning here: the fastest device is used, and results are said."""

_SAVED = {
    "--save_tif": "tif",
    "--save_png": "png",
    "--save_rois": "rois",
    "--save_txt": "outlines",
}


def with_hyphens(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with the options spelt as here.

    Cellpose writes ``--flow_threshold`` where most programs, as this one, write
    ``--flow-threshold``.
    """
    return [_with_hyphens(word) for word in words]


def add_spellings(parser: argparse.ArgumentParser) -> None:
    """Add options of Cellpose that have another name here; the help omits them."""
    _add(parser, "--pretrained_model", dest="model")
    _add(parser, "--savedir", dest="out", type=Path)
    _add(parser, "--dir", dest="more_images", type=Path, action="append")
    _add(parser, "--image_path", dest="more_images", type=Path, action="append")
    _add(parser, "--gpu_device", dest="device", type=_device)
    _add(parser, "--no_norm", dest="normalize", action="store_false")
    _add(parser, "--norm_percentile", dest="percentile", nargs=2, type=float)
    for name, kind in _SAVED.items():
        _add(parser, name, dest="more_kinds", action="append_const", const=kind)
    for name in _UNUSED:
        _add(parser, name, dest="unused", action="store_true")


def automatic_at_zero(kind: Callable[[str], float]) -> Callable[[str], float | None]:
    """Return a type for argparse: a number, or None as if absent for Cellpose's 0."""

    def read(text: str) -> float | None:
        return kind(text) or None

    # Argparse names the type in its messages.
    read.__name__ = getattr(kind, "__name__", "number")
    return read


def _add(parser: argparse.ArgumentParser, name: str, **more: object) -> None:
    hidden = {"help": argparse.SUPPRESS, "default": argparse.SUPPRESS, **more}
    parser.add_argument(_with_hyphens(name), **hidden)  # type: ignore[arg-type]


def _with_hyphens(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, sign, value = word.partition("=")
    return f"{name.replace('_', '-')}{sign}{value}"


def _device(text: str) -> str:
    return f"cuda:{text}" if text.isdecimal() else text

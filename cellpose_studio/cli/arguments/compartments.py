"""Options for nuclei and cells together."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace

from cellpose_studio.core.measure.compartments.choice import (
    LEAST_SHARE,
    PARTS,
    CompartmentChoice,
    CompartmentsUnfit,
    Unit,
)

_UNITS: dict[str, Unit] = {"": "px", "px": "px", "um": "um", "µm": "um", "μm": "um"}


def add_compartments(parser: argparse.ArgumentParser) -> None:
    """Add the options of compartments to ``parser``."""
    parser.add_argument(
        "--nuclei",
        metavar="NAME",
        help="masks of the nuclei, for columns of nucleus and cytoplasm of each cell: "
        "nuclei for a_nuclei_masks.tif beside a.tif, or masks of that name in a "
        "project",
    )
    parser.add_argument(
        "--ring",
        type=_width,
        metavar="WIDTH",
        help="with --nuclei: columns of a ring around the nucleus, within the cell, of "
        "this width: 5px, 2.5um",
    )
    parser.add_argument(
        "--overlap",
        type=_share,
        default=LEAST_SHARE,
        metavar="SHARE",
        help="with --nuclei: share of a nucleus that has to lie in its cell, above 0 "
        f"to 1 (default: {LEAST_SHARE:g})",
    )


def compartments_of(options: argparse.Namespace) -> CompartmentChoice | None:
    """Return what is measured of nuclei and cells together; None for cells only.

    Raises
    ------
    CompartmentsUnfit
        If there is a ring, but nothing to be around.
    """
    if options.nuclei is None:
        if options.ring is None:
            return None
        raise CompartmentsUnfit(
            "A ring lies around nuclei.", "Give the masks of the nuclei with --nuclei."
        )
    choice = CompartmentChoice(nuclei=options.nuclei, least=options.overlap)
    if options.ring is None:
        return choice
    width, unit = options.ring
    return replace(choice, parts=PARTS, ring=width, unit=unit)


def _width(text: str) -> tuple[float, Unit]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(px|um|[µμ]m)?", text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text} is no width: give 5px or 2.5um")
    return float(found[1]), _UNITS[found[2] or ""]


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share above 0 to 1")
    return share

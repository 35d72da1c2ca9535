"""The outcome of opening files, as one message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellpose_studio.app.failures import Failure, failure_of
from cellpose_studio.app.project.known_projects import MasksElsewhere
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.wording import first_names, image_count
from cellpose_studio.ui.widgets.message_bar import MessageBar, details_of
from cellpose_studio.workflows.left_out import LeftOut

Offer = tuple[ImageSource, Path]
"""An image that keeps its own masks, and a file of other masks of it."""


@dataclass(kw_only=True)
class OpeningReport:
    """What was found while files were opened together.

    Attributes
    ----------
    title
        Of the job, with which failures go when it succeeds.
    failures
        What could not be opened.
    notes
        On what was opened, one sentence each.
    left_out
        What lies in the folders besides.
    offers
        Masks that were not added, because their images have masks.
    elsewhere
        Projects with masks of images that have none here.
    """

    title: str = ""
    failures: list[StudioError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    offers: list[Offer] = field(default_factory=list)
    elsewhere: list[MasksElsewhere] = field(default_factory=list)


def show_report(
    report: OpeningReport,
    messages: MessageBar,
    add_offered: Callable[[Sequence[Offer]], object],
    open_project: Callable[[MasksElsewhere], object],
) -> None:
    """Show one message for all of it, the rest in its details; none if all is well."""
    offers, elsewhere, notes = report.offers, report.elsewhere, _notes(report)
    listed = _left_out(report, report.left_out.heading)
    told = [Failure(_offer_text(offers))] if offers else []
    told += [Failure(elsewhere_text(elsewhere))] if elsewhere else []
    if report.failures:
        failures = [failure_of(error) for error in report.failures]
        messages.fail_together(failures, told + listed + notes, report.title)
        return
    # In the details, the list of what was left out follows: no kind is named twice.
    inside = told + listed + notes
    # What is not there at all comes before what is there with a remark.
    told += _left_out(report, report.left_out.text) + notes
    if not told:
        return
    first, others = told[0], told[1:]
    # A single note with details of its own shows these.
    details = details_of(inside) if others else first.details
    more = f" ({len(others)} more, see the details.)" if others else ""
    text = first.message + more
    if offers:
        messages.offer(text, "Add those as well", lambda: add_offered(offers), details)
    elif elsewhere:
        best = elsewhere[0]
        messages.offer(text, "Open project", lambda: open_project(best), details)
    else:
        messages.note(text, details)


def elsewhere_text(found: Sequence[MasksElsewhere]) -> str:
    """Return which project has masks of how many images."""
    best, others = found[0], len(found) - 1
    one = len(best.images) == 1
    named = best.images[0].name if one else f"{len(best.images):,} of these images"
    has = "has" if one else "have"
    more = ""
    if others:
        more = f", and in {others} more project{'s' if others > 1 else ''}"
    return f"{named} {has} masks in {best.project.name}{more}."


def added_text(gone: Sequence[str]) -> str:
    """Return that masks were added, or which images were removed before that."""
    if not gone:
        return "Added the masks. Choose on the Curate tab which ones are shown."
    they = "it was" if len(gone) == 1 else "they were"
    return (
        f"Masks of {first_names(gone)} were left out: {they} removed from the project "
        "meanwhile."
    )


def _notes(report: OpeningReport) -> list[Failure]:
    """Return what the user has to know about what was opened."""
    # Many files may give the same note, which is shown once.
    return [Failure(note) for note in dict.fromkeys(report.notes)]


def _left_out(report: OpeningReport, text: str) -> list[Failure]:
    """Return what was left out, under a text; nothing if there is none."""
    left = report.left_out
    return [Failure(text, "", left.details)] if left else []


def _offer_text(offers: Sequence[Offer]) -> str:
    kept = image_count(len({image.key for image, _ in offers}))
    names = first_names([masks.name for _, masks in offers], 1)
    return (
        f"The project kept its own masks of {kept}. Other masks lie beside the files: "
        f"{names}."
    )

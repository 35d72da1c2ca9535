"""Searches for the projects that the start page offers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from cellpose_studio.app.project.known_projects import ProjectSummary, summaries
from cellpose_studio.app.project.scratch import unsaved_project
from cellpose_studio.core.display.small_picture import Thumbnail
from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.cache.thumbnails import ThumbnailCache
from cellpose_studio.io.preview import preview
from cellpose_studio.paths import cache_dir
from cellpose_studio.ui.services import Services

_MOST_RECENT, _MOST_UNSAVED = 5, 3


@dataclass(frozen=True, eq=False)
class Offer:
    """A project, with a picture (Y, X, RGB) of its newest masks; None without any."""

    project: ProjectSummary
    picture: Thumbnail | None


class OfferPage(Protocol):
    """What shows the offers."""

    def offer(self, unsaved: list[Offer], recent: list[Offer]) -> None:
        """Offer projects, the newest of each kind."""
        ...


def offer_projects(page: OfferPage, services: Services) -> None:
    """Search for projects off the GUI thread, and offer them on the start page.

    That is seen while no image is open.
    """
    if services.session.images:
        return
    named = [
        path
        for path in services.settings.projects
        if path != services.session.project.path
    ]

    def search() -> tuple[list[Offer], list[Offer]]:
        # A project is opened for its picture, so only those offered get one.
        unsaved = unsaved_project()[:_MOST_UNSAVED]
        recent = [*islice(summaries(named), _MOST_RECENT)]
        return _offers(unsaved), _offers(recent)

    # Not among the jobs that open files: projects may lie on a drive that hangs.
    services.run(
        "Searching for projects",
        lambda _: search(),
        lambda found: page.offer(*found),
        quiet=True,
        queue=services.stack_jobs,
    )


def _offers(projects: list[ProjectSummary]) -> list[Offer]:
    images = None
    with suppress(OSError):
        images = ThumbnailCache(cache_dir() / "thumbnails")
    return [Offer(project, _picture(project, images)) for project in projects]


def _picture(
    project: ProjectSummary, images: ThumbnailCache | None
) -> Thumbnail | None:
    with suppress(StudioError, OSError):
        return preview(project.path, images)
    return None

"""Looks into projects that are not open: what they are, and whose masks they have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project.file import ProjectFile, read_project
from cellpose_studio.io.project.reading import reading
from cellpose_studio.io.project.tables.images import read_paths_with_masks


@dataclass(frozen=True, kw_only=True)
class ProjectSummary:
    """A project that is not open.

    Attributes
    ----------
    images
        Number of images in its list.
    unnamed
        Whether it was never saved under a name.
    """

    path: Path
    changed: datetime
    images: int
    unnamed: bool = False

    @property
    def name(self) -> str:
        """Its name in a sentence, with the day if it has none of its own."""
        if self.unnamed:
            return f"an unnamed project of {self.changed:%d %b, %H:%M}"
        return f"the project {self.path.stem}"


@dataclass(frozen=True, kw_only=True)
class MasksElsewhere:
    """A project that has masks of images that have none in the open project."""

    project: ProjectSummary
    images: tuple[Path, ...]


def summary_of(path: Path, unnamed: bool = False) -> ProjectSummary:
    """Return what a project is.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    OSError
        If it cannot be reached.
    """
    with _opened(path) as file:
        return _summary(file, unnamed)


def summaries(paths: Iterable[Path]) -> Iterator[ProjectSummary]:
    """Yield what named projects are, in the same order; each is opened when asked for.

    Those that have gone, or cannot be read, are left out.
    """
    for path in paths:
        with suppress(StudioError, OSError):
            yield summary_of(path)


def masks_elsewhere(
    images: Collection[Path], named: Iterable[Path], unnamed: Iterable[Path]
) -> list[MasksElsewhere]:
    """Return the projects with masks of images, those with most of them first.

    Parameters
    ----------
    images
        Files of images.
    named, unnamed
        Projects to look into; those that cannot be read are passed over.
    """
    found = []
    kinds = dict.fromkeys(named, False) | dict.fromkeys(unnamed, True)
    for path, is_unnamed in kinds.items():
        with suppress(StudioError, OSError), _opened(path) as file:
            having = read_paths_with_masks(file.db, path.parent, images)
            if having:
                summary = _summary(file, is_unnamed)
                ordered = tuple(image for image in images if image in having)
                found.append(MasksElsewhere(project=summary, images=ordered))
    found.sort(key=lambda one: (len(one.images), one.project.changed), reverse=True)
    return found


@contextmanager
def _opened(path: Path) -> Iterator[ProjectFile]:
    file = read_project(path)
    try:
        yield file
    finally:
        file.close()


def _summary(file: ProjectFile, unnamed: bool) -> ProjectSummary:
    with reading("the list of images"):
        query = "SELECT count(*) FROM image WHERE NOT hidden"
        (images,) = file.db.execute(query).fetchone()
    changed = datetime.fromtimestamp(file.path.stat().st_mtime)
    return ProjectSummary(
        path=file.path, changed=changed, images=images, unnamed=unnamed
    )

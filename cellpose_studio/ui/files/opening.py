"""How far the opening of files has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellpose_studio.app.images.own_exports import OwnExports
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.images.axes import AxesQuestion
from cellpose_studio.io.masks.folders import ImageFiles
from cellpose_studio.ui.files.opening_report import OpeningReport

AT_ONCE = 8
"""Files that are opened together at first, and of those with masks always."""
_MOST_AT_ONCE = 256
_QUICK, _SLOW = 0.25, 1.0
"""Seconds for files that are opened together, below and above which there will be more
or fewer of them."""


@dataclass(kw_only=True, eq=False)
class Opening:
    """Progress of the files that the user opened together."""

    paths: Sequence[Path]
    axes: str | None
    title: str
    project: Project
    exports: OwnExports
    report: OpeningReport
    files: list[ImageFiles] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    some_hidden: bool = False
    at_once: int = AT_ONCE
    took: float = 0.0
    done: int = 0
    added: int = 0
    shown: bool = False
    questions: list[AxesQuestion] = field(default_factory=list)
    images: list[ProjectImage] = field(default_factory=list)

    def next_files(self) -> list[ImageFiles]:
        """Return the files to be opened together, and count them as done."""
        batch: list[ImageFiles] = []
        with_masks = 0
        for entry in self.files[self.done : self.done + self.at_once]:
            # Masks and flows of many images could exceed the memory.
            with_masks += bool(entry.masks)
            if with_masks > AT_ONCE:
                break
            batch.append(entry)
        self.done += len(batch)
        return batch

    def waiting(self) -> list[str]:
        """Return the names to show of the files that are still to be read."""
        names = self.names[self.done :]
        return [name for name in names if name] if self.some_hidden else names

    def adapt(self) -> None:
        """Open more files together if that was quick, fewer if it was slow."""
        if self.took < _QUICK:
            self.at_once = min(2 * self.at_once, _MOST_AT_ONCE)
        elif self.took > _SLOW:
            self.at_once = max(self.at_once // 2, AT_ONCE)
